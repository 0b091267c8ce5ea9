# expect: 4:9 joinn | has no name
import os.path

os.path.joinn('a')
