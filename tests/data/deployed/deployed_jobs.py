"""Jobs whose course a test decides; each op finds what it needs in this folder."""

from pathlib import Path

import dagster as dg

HERE = Path(__file__).parent


@dg.op(config_schema={"rows": int})
def count(context: dg.OpExecutionContext) -> int:
    return context.op_config["rows"]


@dg.op
def wait_at_the_gate() -> None:
    """A named pipe is opened when somebody opens its other end."""
    (HERE / "gate").open("rb").close()


@dg.op
def fail() -> None:
    raise ValueError("the source has no rows")


@dg.op
def fail_once() -> None:
    try:
        (HERE / "failed_once").touch(exist_ok=False)
    except FileExistsError:
        return
    raise ConnectionError("the source did not answer")


@dg.job
def counted() -> None:
    count()


@dg.job
def gated() -> None:
    wait_at_the_gate()


@dg.job(tags={"dagster/max_retries": "0"})
def failing() -> None:
    fail()


@dg.job
def flaky() -> None:
    fail_once()


defs = dg.Definitions(jobs=[counted, gated, failing, flaky], executor=dg.in_process_executor)
