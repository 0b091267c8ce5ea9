"""Whose connection it is, by tables as Linux writes them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from dagster_playbook.serve.peer import is_somebody_else

HEAD = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
SERVER, CLIENT = ("127.0.0.1", 8000), ("127.0.0.1", 51000)
SERVER_HEX, CLIENT_HEX = "0100007F:1F40", "0100007F:C738"
MAPPED = "0000000000000000FFFF00000100007F:C738"
MAPPED_SERVER = "0000000000000000FFFF00000100007F:1F40"
ME = os.getuid()


def row(local: str, remote: str, uid: int) -> str:
    return f"   0: {local} {remote} 01 00000000:00000000 00:00000000 00000000  {uid}        0 1234 1 0 20 4 30 10 -1\n"


OWN_END = row(SERVER_HEX, CLIENT_HEX, ME)


@pytest.mark.parametrize(
    ("rows", "is_other"),
    [
        pytest.param(OWN_END + row(CLIENT_HEX, SERVER_HEX, ME), False, id="mine"),
        pytest.param(OWN_END + row(CLIENT_HEX, SERVER_HEX, 0), False, id="root"),
        pytest.param(OWN_END + row(CLIENT_HEX, SERVER_HEX, 4321), True, id="another account"),
        pytest.param(OWN_END + row(MAPPED, MAPPED_SERVER, 4321), True, id="another account by a socket of IPv6"),
        pytest.param(OWN_END, True, id="nobody knows whose"),
        pytest.param("", False, id="a table that shows nothing"),
        pytest.param("rubbish\n", False, id="no table"),
    ],
)
def test_whose_connection_it_is(tmp_path: Path, rows: str, is_other: bool) -> None:
    """Another account is told also where its end is spelled otherwise; no table is no reason to refuse."""
    table = tmp_path / "tcp"
    table.write_text(HEAD + rows)
    assert is_somebody_else(CLIENT, SERVER, [str(table), str(tmp_path / "missing")]) is is_other
