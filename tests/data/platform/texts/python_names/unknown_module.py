# expect: 2:8 nosuchmodule | no module
import nosuchmodule
