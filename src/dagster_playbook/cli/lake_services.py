"""Where Nessie and Trino are, for the commands that ask both."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from dagster_playbook.errors import StackError

if TYPE_CHECKING:
    from dagster_playbook.services.trino_query import TrinoQuery


def nessie_and_trino() -> tuple[str, TrinoQuery]:
    """Nessie's address and a Trino to query, by NESSIE_URI, TRINO_HOST, TRINO_PORT and TRINO_USER.

    Raises:
        StackError: one of them is not set, or is no number.
    """
    from dagster_playbook.services.trino_query import TrinoQuery

    try:
        uri, host, port = os.environ["NESSIE_URI"], os.environ["TRINO_HOST"], int(os.environ["TRINO_PORT"])
    except (KeyError, ValueError) as error:
        wrong = f"{error.args[0]} is not set" if isinstance(error, KeyError) else "TRINO_PORT is no number"
        raise StackError(
            f"Nessie and Trino are found by NESSIE_URI, TRINO_HOST and TRINO_PORT: {wrong}",
            cure='run: eval "$(playbook stack env)", or set them to your deployment',
        ) from error
    return uri, TrinoQuery(host, port, user=os.environ.get("TRINO_USER", "playbook"))


def catalog_names() -> tuple[str, str]:
    """Trino's catalog on the branch and its catalog on the tag: TRINO_CATALOG and TRINO_CONSUMER_CATALOG."""
    return os.environ.get("TRINO_CATALOG", "iceberg"), os.environ.get("TRINO_CONSUMER_CATALOG", "iceberg_consumer")
