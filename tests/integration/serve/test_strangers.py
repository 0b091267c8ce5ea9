"""Who is let in without a proxy: the account that serves, and nobody else on its network or its machine."""

from __future__ import annotations

import http.client
import multiprocessing
import os
from multiprocessing.connection import Connection
from pathlib import Path

import httpx
import pytest
from served_project import SmallProject, serving

FORK = multiprocessing.get_context("fork")


@pytest.fixture
def project(tmp_path: Path) -> SmallProject:
    return SmallProject(tmp_path).write()


def test_without_a_proxy_nobody_else_is_let_in(project: SmallProject) -> None:
    """Who would make the user of this machine of everybody on the network is told how not to."""
    done = project.playbook("serve", "--host", "0.0.0.0")
    assert done.returncode == 2 and "--trust-header" in done.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be somebody else")
def test_another_account_of_the_machine_is_not_its_user(project: SmallProject) -> None:
    """A port of this machine is open to all who are logged in on it; only the account that serves is let in."""
    with serving(project.root) as server, httpx.Client(base_url=server.origin) as mine:
        assert mine.get("/-/runs").status_code == 200
        told, tell = FORK.Pipe(duplex=False)
        other = FORK.Process(target=_ask_as_nobody, args=(server.port, tell))
        other.start()
        assert told.poll(60)
        status, text = told.recv()
        other.join()
    assert (status, "for the account that has started it" in text) == (403, True)


def _ask_as_nobody(port: int, tell: Connection) -> None:
    os.setgid(65534)
    os.setuid(65534)
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request("GET", "/-/runs")
    answer = connection.getresponse()
    tell.send((answer.status, answer.read().decode()))
