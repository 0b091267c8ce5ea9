# expect: 5:5 assett | has no name
import dagster as dg


@dg.assett
def a() -> None: ...
