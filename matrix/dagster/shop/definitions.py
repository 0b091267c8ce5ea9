import dagster as dg


class LoadConfig(dg.Config):
    limit: int = 10


@dg.op
def load(context: dg.OpExecutionContext, config: LoadConfig):
    context.log.info(str(config.limit))


@dg.job
def load_job():
    load()


@dg.asset
def orders() -> int:
    return 1


defs = dg.Definitions(assets=[orders], jobs=[load_job])
