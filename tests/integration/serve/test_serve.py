"""`playbook serve` over HTTP, without a script: forms, runs that go on by themselves, live steps, signatures."""

from __future__ import annotations

import base64
import hashlib
import html
from collections.abc import Iterator

import pytest
from served_project import Server, SmallProject, Visitor, said, serving, states

SITE_PAGE = (
    "<html><head><script>theme()</script></head><body><article>Three lines"
    "<script>author()</script></article><script>author()</script></article></body></html>"
)


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> SmallProject:
    return SmallProject(tmp_path_factory.mktemp("small")).write()


@pytest.fixture
def project(written: SmallProject) -> SmallProject:
    """The project as if nothing had run and nobody had asked."""
    written.forget()
    return written


@pytest.fixture(scope="module")
def server(written: SmallProject) -> Iterator[Server]:
    page = written.root / "site" / "runbooks" / "lines" / "index.html"
    page.parent.mkdir(parents=True)
    page.write_text(SITE_PAGE)
    with serving(written.root, "--site", "site") as made:
        yield made


@pytest.fixture
def visitor(project: SmallProject, server: Server) -> Visitor:
    return Visitor(server)


def started(visitor: Visitor) -> str:
    """A run of `lines`, which waits in its step `two`."""
    return visitor.run(visitor.planned("lines", p__note="a & <b>"), answer__sure="yes")


def followed(visitor: Visitor, run: str, until: dict[str, str]) -> None:
    """Watch a run until its steps are in these states."""
    for _, part in visitor.events(f"/-/runs/{run}/events"):
        if until.items() <= states(part).items():
            return
    raise AssertionError(f"the run {run} ended before its steps were {until}")


def ended(visitor: Visitor, run: str) -> dict[str, str]:
    """The states of the steps when nobody works on the run any more."""
    return [states(part) for name, part in visitor.events(f"/-/runs/{run}/events") if name == "ended"][-1]


def test_a_plan_is_what_the_command_prints(project: SmallProject, visitor: Visitor) -> None:
    """Same text, same digest, and a value of a form is a value however it looks."""
    digest = visitor.planned("lines", p__note="--break-glass=$(touch ran.txt)")
    printed = project.playbook("plan", "runbooks/lines.md", "-p", "note=--break-glass=$(touch ran.txt)")
    shown = html.unescape(visitor.get(f"/-/plans/{digest}"))
    assert printed.stdout.strip() in shown
    assert f"digest {digest}" in printed.stdout
    assert project.ran() == []


def test_steps_come_live_and_the_evidence_is_there(project: SmallProject, visitor: Visitor) -> None:
    """A watcher sees a step begin, and the end; what a step gave is shown as it was written."""
    run = started(visitor)
    seen = []
    for name, part in visitor.events(f"/-/runs/{run}/events"):
        seen.append(states(part))
        if seen[-1]["two"] == "started":
            project.go()
        if name == "ended":
            break
    assert {"one": "succeeded", "two": "started", "three": "waiting"}.items() <= seen[-2].items() or len(seen) > 2
    assert set(seen[-1].values()) == {"succeeded"}
    page = visitor.get(f"/-/runs/{run}")
    evidence = page.split('href="')[-1].partition('"')[0]
    assert evidence.startswith(f"/-/runs/{run}/evidence/")
    assert "as it was written" in visitor.get(evidence)
    assert project.playbook("runs", "verify", run).returncode == 0


def test_a_run_is_cancelled_and_resumed_from_its_page(project: SmallProject, visitor: Visitor) -> None:
    """It stops in order, goes on at the step when whoever resumes has looked, and no step is done twice."""
    run = started(visitor)
    followed(visitor, run, {"two": "started"})
    assert visitor.sent(f"/-/runs/{run}", f"/-/runs/{run}/cancel").status_code == 303
    assert ended(visitor, run)["two"] == "cut"
    project.go()
    assert visitor.sent(f"/-/runs/{run}", f"/-/runs/{run}/resume").status_code == 303
    assert ended(visitor, run)["two"] == "cut"
    assert "it is not known what it did" in visitor.get(f"/-/runs/{run}")
    assert visitor.sent(f"/-/runs/{run}", f"/-/runs/{run}/resume", how="again").status_code == 303
    assert ended(visitor, run)["three"] == "succeeded"
    assert project.ran() == ["one", "two", "three"]


def test_a_server_that_is_killed_changes_nothing_of_a_run(project: SmallProject, visitor: Visitor) -> None:
    """The run is a process of its own; another server shows it from its journal."""
    with serving(project.root) as killed:
        run = started(Visitor(killed))
        followed(Visitor(killed), run, {"two": "started"})
    assert killed.process.returncode == -9
    project.go()
    followed(visitor, run, {"three": "succeeded"})
    assert project.ran() == ["one", "two", "three"]


def test_two_passkeys_ask_and_approve_and_the_run_is_theirs(project: SmallProject, visitor: Visitor) -> None:
    """The signatures of two browsers are what `playbook run` verifies; nobody runs before."""
    digest = visitor.planned("approved")
    early = visitor.post(f"/-/plans/{digest}/run", {"token": visitor.token("/-/passkey", "/-/passkey")})
    assert early.status_code == 403
    page = f"/-/plans/{digest}"
    asked = visitor.sign(visitor.drafted(page, f"{page}/request", reason="a line is missing"), project.passkeys["ada"])
    request = f"/-/approvals/{digest}"
    assert asked.json() == {"go": request}
    assert visitor.sent(request, f"{request}/review").status_code == 303
    approved = visitor.sign(visitor.drafted(request, f"{request}/approve", hours="1"), project.passkeys["bob"])
    assert approved.status_code == 200, said(approved)
    run = visitor.run(digest)
    followed(visitor, run, {"one": "succeeded"})
    assert "approved by bob@example.org, asked for by ada@example.org" in visitor.get(f"/-/runs/{run}")


def test_an_approval_from_a_terminal_arrives_on_the_page(project: SmallProject, visitor: Visitor) -> None:
    """The page shows the command, and is told when the signature is there; a rejection ends it."""
    digest = visitor.planned("approved")
    page, request = f"/-/plans/{digest}", f"/-/approvals/{digest}"
    visitor.sign(visitor.drafted(page, f"{page}/request", reason=""), project.passkeys["ada"])
    assert f"playbook approve {digest[:12]} --key" in visitor.get(request)
    events = visitor.events(f"{request}/events")
    assert "nobody yet" in next(events)[1]
    key = str(project.root / ".playbook" / "approvers" / "bob")
    assert project.playbook("approve", digest, "--yes", "--key", key).returncode == 0
    assert "bob@example.org, until" in next(events)[1]
    rejected = visitor.sign(visitor.drafted(request, f"{request}/reject", reason="not today"), project.passkeys["ada"])
    assert rejected.status_code == 200, said(rejected)
    assert "ada@example.org: not today" in next(events)[1]
    assert "ada@example.org has rejected it: not today" in visitor.get(page)


def test_a_run_that_cannot_be_read_is_shown_as_that(project: SmallProject, visitor: Visitor) -> None:
    """The list and the run's own page say why, and the others are shown as ever."""
    folder = project.root / ".playbook" / "runs" / "20260101-000000-aaaaaa"
    folder.mkdir(parents=True)
    (folder / "journal.jsonl").write_text("rubbish\n")
    assert "unreadable" in visitor.get("/-/runs")
    assert "line 1 of the journal is not an entry" in visitor.get(f"/-/runs/{folder.name}")
    (folder / "journal.jsonl").unlink()
    folder.rmdir()


def test_the_page_of_the_site_has_its_runbook_s_form(visitor: Visitor) -> None:
    """The inline script of the theme may run by its hash, that of an author may not; nothing comes from elsewhere."""
    answer = visitor.http.get("/runbooks/lines/")
    assert 'action="/-/plan/runbooks/lines"' in answer.text.rpartition("</article>")[0]
    script = base64.b64encode(hashlib.sha256(b"theme()").digest()).decode()
    policy = answer.headers["content-security-policy"]
    assert policy.startswith(f"default-src 'none'; script-src 'self' 'sha256-{script}'; style-src 'self';")


@pytest.mark.parametrize(
    ("address", "status", "location"),
    [
        ("/runbooks/lines", 307, "/runbooks/lines/"),
        ("//runbooks/lines", 307, "/runbooks/lines/"),
        ("/%00", 404, None),
        ("/" + "a" * 5000, 404, None),
        ("/%2e%2e/pyproject.toml", 404, None),
        ("/runbooks/", 404, None),
    ],
)
def test_an_address_leads_to_a_page_of_the_site_or_nowhere(
    visitor: Visitor, address: str, status: int, location: str | None
) -> None:
    """Never to another host, and never out of the site's folder."""
    answer = visitor.http.get(visitor.server.origin + address)
    assert (answer.status_code, answer.headers.get("location")) == (status, location)
