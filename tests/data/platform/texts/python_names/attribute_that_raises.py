# expect: ok
import dlt


@dlt.hub.transformation
def f() -> None: ...
