"""Read an Iceberg table as it was at any Nessie commit, from its files.

Nessie's Iceberg REST catalog shows of each table only the snapshot at the reference asked for, so that Trino's
`FOR VERSION AS OF` knows no earlier one. The reference may be `name@hash`, though, and that is what is read here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from dagster_playbook.errors import PlatformError


class FilesGoneError(PlatformError):
    """A table, or a file that it is made of, cannot be read at that commit."""


@dataclass(frozen=True, slots=True)
class Lake:
    """Where the catalog and the files are; the credentials are shown by nothing."""

    iceberg_uri: str
    warehouse: str
    s3_endpoint: str
    s3_region: str
    s3_access_key: str
    s3_secret_key: str

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Lake:
        """The lake that NESSIE_URI, S3_ENDPOINT and the AWS variables name.

        Raises:
            PlatformError: one of them is missing.
        """
        try:
            return cls(
                environment["NESSIE_URI"].removesuffix("/").removesuffix("/api/v2") + "/iceberg",
                environment.get("NESSIE_WAREHOUSE", "lake"),
                environment["S3_ENDPOINT"],
                environment["AWS_REGION"],
                environment["AWS_ACCESS_KEY_ID"],
                environment["AWS_SECRET_ACCESS_KEY"],
            )
        except KeyError as error:
            raise PlatformError(
                f"the files of an earlier commit are found by {error.args[0]}, which is not set",
                cure='run: eval "$(playbook stack env)", or set it to your deployment',
            ) from error

    def file_properties(self) -> dict[str, str]:
        """By what pyiceberg reaches the object store; the secret key is among them."""
        return {
            "s3.endpoint": self.s3_endpoint,
            "s3.region": self.s3_region,
            "s3.access-key-id": self.s3_access_key,
            "s3.secret-access-key": self.s3_secret_key,
        }

    def file_io(self) -> Any:
        """pyiceberg's reader and writer of single files.

        Raises:
            PlatformError: pyiceberg is not installed.
        """
        try:
            from pyiceberg.io.pyarrow import PyArrowFileIO
        except ImportError as error:
            raise PlatformError("pyiceberg is not installed", cure="pip install 'dagster-playbook[stack]'") from error
        return PyArrowFileIO(self.file_properties())

    def listing(self, folder: str) -> list[tuple[str, int, datetime]]:
        """Every file below `bucket/folder`: its path with the bucket, size in bytes, and time of change (aware, UTC).

        Raises:
            PlatformError: the object store could not be asked.
        """
        from pyarrow.fs import FileSelector  # type: ignore[import-untyped]

        files = self.file_io().fs_by_scheme("s3", folder.partition("/")[0])
        try:
            found = files.get_file_info(FileSelector(folder, recursive=True))
        except OSError as error:
            raise PlatformError(
                f"the object store cannot be listed: {error}",
                cure="check S3_ENDPOINT; after a full disk a local stack needs `playbook stack down` and `up`",
            ) from error
        return [(info.path, int(info.size), info.mtime) for info in found if info.is_file]

    def __repr__(self) -> str:
        return f"Lake({self.iceberg_uri!r}, {self.s3_endpoint!r})"


@dataclass(frozen=True, slots=True)
class TableFiles:
    """A table at a commit: column names to Trino's types, and its rows as a stream of Arrow batches."""

    columns: dict[str, str]
    batches: Any


def open_table(lake: Lake, reference: str, hash: str, key: tuple[str, ...]) -> TableFiles:
    """The table `key` at the commit `hash` on `reference`; no data are read before the batches are.

    Raises:
        FilesGoneError: the table or its metadata cannot be read there.
        PlatformError: pyiceberg is not installed.
    """
    try:
        from pyiceberg.catalog import load_catalog
    except ImportError as error:
        raise PlatformError("pyiceberg is not installed", cure="pip install 'dagster-playbook[stack]'") from error
    try:
        catalog = load_catalog(
            "lake",
            **{
                "type": "rest",
                "uri": f"{lake.iceberg_uri}/{reference}@{hash}",
                "warehouse": lake.warehouse,
                **lake.file_properties(),
            },
        )
        table = catalog.load_table(key)
        columns = {field.name: trino_type(str(field.field_type)) for field in table.schema().fields}
        return TableFiles(columns, table.scan().to_arrow_batch_reader())
    except Exception as error:
        raise FilesGoneError(f"{'.'.join(key)} cannot be read at {hash[:12]}: {error}") from error


_TYPES = {
    "int": "integer",
    "long": "bigint",
    "float": "real",
    "string": "varchar",
    "binary": "varbinary",
    "timestamp": "timestamp(6)",
    "timestamptz": "timestamp(6) with time zone",
    "time": "time(6)",
}


def trino_type(iceberg_type: str) -> str:
    """Trino's name of an Iceberg type; nested types keep Iceberg's, with their Trino outside."""
    name = iceberg_type.lower()
    if name.startswith("decimal"):
        return name.replace(" ", "")
    for nested, outside in (("list<", "array"), ("map<", "map"), ("struct<", "row")):
        if name.startswith(nested):
            return outside
    return _TYPES.get(name, name)
