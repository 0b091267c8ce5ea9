# expect: ok
import dagster as dg
from sqlmesh import Context, model


@dg.asset
def a(context: dg.AssetExecutionContext) -> None: ...
