"""S3Proxy: the object store, a local folder behind the S3 protocol."""

from __future__ import annotations

import os
import re
from pathlib import Path

from dagster_playbook.durable import write_whole
from dagster_playbook.stack.health import ask
from dagster_playbook.stack.ports import LOOPBACK
from dagster_playbook.stack.properties import filled, read_flags
from dagster_playbook.stack.service import Context, NotReadyError, Service

#: the bucket that Nessie's warehouse stands in
BUCKET = "lake"
#: S3 wants a region; a local folder has none
REGION = "us-east-1"
#: S3Proxy writes to `<name>-<uuid>` and renames it when it is whole
_HALF_WRITTEN = re.compile(r"-[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\Z")


def s3_environment(context: Context) -> dict[str, str]:
    """What the templates ask for to reach the object store."""
    return {
        "S3_HOST": LOOPBACK,
        "S3_PORT": str(context.ports["s3proxy"]),
        "S3_REGION": REGION,
        "S3_ACCESS_KEY": context.credentials.s3_access_key,
        "S3_SECRET_KEY": context.credentials.s3_secret_key,
    }


def prepare(context: Context) -> None:
    """Make the bucket (a folder) and fill the template, which S3Proxy cannot do itself."""
    folder = context.room.data / "s3proxy"
    (folder / BUCKET).mkdir(parents=True, exist_ok=True)
    clear_half_written(folder / BUCKET)
    template = context.config / "s3proxy" / "s3proxy.properties"
    text = filled(template, s3_environment(context) | {"S3_FOLDER": str(folder)})
    write_whole(context.room.generated / "s3proxy.properties", text)


def clear_half_written(folder: Path) -> int:
    """Delete what a full disk or a crash left of files that S3Proxy was writing; how many there were.

    They are nobody's objects, and S3Proxy fails to list a folder that holds one: it misses their attributes.
    """
    if not hasattr(os, "listxattr"):  # pragma: no cover - other systems keep the attributes elsewhere
        return 0
    left = [p for p in folder.rglob("*") if _HALF_WRITTEN.search(p.name) and p.is_file() and not os.listxattr(p)]
    for path in left:
        path.unlink()
    return len(left)


def argv(context: Context) -> list[str]:
    """The jar with the generated settings; the secrets stand there and not among the arguments."""
    flags = read_flags(context.config / "s3proxy" / "jvm.config")
    settings = str(context.room.generated / "s3proxy.properties")
    return [context.java(), *flags, "-jar", str(context.places["s3proxy"]), "--properties", settings]


def probe(context: Context) -> None:
    """Ready when it refuses a question without a signature, as S3 does."""
    status, _ = ask(context.ports["s3proxy"], "/")
    if status != 403:
        raise NotReadyError(f"GET /: HTTP {status}, where S3 refuses what is not signed")


S3PROXY = Service(
    name="s3proxy",
    title="S3Proxy",
    ports=("s3proxy",),
    artifacts=("s3proxy",),
    argv=argv,
    probe=probe,
    prepare=prepare,
    is_java=True,
)
