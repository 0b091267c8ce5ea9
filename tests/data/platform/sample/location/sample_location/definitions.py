"""The definitions that Dagster loads."""

import dagster as dg

from sample_location.config import LoadConfig


class Warehouse(dg.ConfigurableResource):
    """Where orders go."""

    url: str = "http://127.0.0.1:1"
    retries: int = 1


@dg.op
def load_orders(context: dg.OpExecutionContext, config: LoadConfig, warehouse: Warehouse) -> None:
    """Load the orders."""
    context.log.info("%s %s", config.limit, warehouse.url)


@dg.op(
    config_schema={
        "target": dg.Selector({"table": str, "file": {"path": dg.StringSource}}),
        "extra": dg.Permissive({"note": dg.Field(str, is_required=False)}),
        "copies": dg.Field(dg.IntSource, default_value=1),
    }
)
def publish(context: dg.OpExecutionContext) -> None:
    """Publish what was loaded."""
    context.log.info("%s", context.op_config)


@dg.job(tags={"engine": "warehouse"})
def load_job() -> None:
    """Load, then publish."""
    load_orders()
    publish()


class PromoteConfig(dg.Config):
    """Config of the asset that moves the tag."""

    to_hash: str = ""


@dg.asset(key=["lake", "promote"], group_name="lake", kinds={"nessie"}, tags={"tier": "one"})
def promote(config: PromoteConfig) -> None:
    """Move the tag `released`."""


@dg.asset(group_name="shop")
def orders() -> None:
    """The raw orders."""


promote_job = dg.define_asset_job("promote_job", selection=dg.AssetSelection.assets(["lake", "promote"]))


@dg.sensor(job=promote_job)
def promote_sensor() -> dg.SkipReason:
    """Never asks for a run."""
    return dg.SkipReason("nothing to do")


defs = dg.Definitions(
    assets=[promote, orders],
    jobs=[load_job, promote_job],
    resources={"warehouse": Warehouse()},
    sensors=[promote_sensor],
    schedules=[dg.ScheduleDefinition(name="nightly", job=promote_job, cron_schedule="0 3 * * *")],
)
