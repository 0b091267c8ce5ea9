"""Forged requests to `playbook serve`: each is refused for its own reason, and nothing has run, asked or approved."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from served_project import HEADER, Server, SmallProject, Visitor, said, serving, token_in

LINES = "/-/plan/runbooks/lines"
FORM = "/-/runbooks/runbooks/lines"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> SmallProject:
    return SmallProject(tmp_path_factory.mktemp("forged")).write()


@pytest.fixture(scope="module")
def server(project: SmallProject) -> Iterator[Server]:
    """A server behind a proxy that says who somebody is."""
    with serving(project.root, "--trust-header", HEADER) as made:
        yield made


@pytest.fixture
def ada(server: Server) -> Visitor:
    return Visitor(server, "ada")


@pytest.fixture(scope="module")
def request_page(server: Server, project: SmallProject) -> str:
    """The page of a request that ada has signed and nobody has answered; its plan was looked at."""
    asking = Visitor(server, "ada")
    digest = asking.planned("approved")
    page = f"/-/plans/{digest}"
    asking.sign(asking.drafted(page, f"{page}/request", reason="x"), project.passkeys["ada"])
    asking.sent(f"/-/approvals/{digest}", f"/-/approvals/{digest}/review")
    return f"/-/approvals/{digest}"


@pytest.fixture(autouse=True)
def nothing_happens(project: SmallProject, server: Server, request_page: str) -> Iterator[None]:
    """After each forgery no run has begun, and the one request is as it was."""
    before = _kept(project)
    yield
    assert _kept(project) == before
    assert project.runs() == [] and project.ran() == []


def _kept(project: SmallProject) -> dict[str, str]:
    return {path.name: path.read_text() for path in (project.root / ".playbook" / "approvals").glob("*.json*")}


def no_token(ada: Visitor) -> httpx.Response:
    return ada.post(LINES, {"p.note": "x"})


def token_of_another_session(ada: Visitor) -> httpx.Response:
    return ada.post(LINES, {"token": Visitor(ada.server, "ada").token(FORM, LINES)})


def token_of_another_form(ada: Visitor) -> httpx.Response:
    return ada.post(LINES, {"token": ada.token("/-/passkey", "/-/passkey")})


def made_up_token(ada: Visitor) -> httpx.Response:
    ada.get(FORM)
    return ada.post(LINES, {"token": f"{'0' * 24}.9999999999.{'0' * 64}"})


def token_without_a_shape(ada: Visitor) -> httpx.Response:
    ada.get(FORM)
    return ada.post(LINES, {"token": "\u00fc.\u00fc"})


def foreign_origin(ada: Visitor) -> httpx.Response:
    return ada.post(LINES, {"token": ada.token(FORM, LINES)}, Origin="https://evil.example")


def origin_of_a_sandbox(ada: Visitor) -> httpx.Response:
    return ada.post(LINES, {"token": ada.token(FORM, LINES)}, Origin="null")


def origin_on_another_port(ada: Visitor) -> httpx.Response:
    return ada.post(LINES, {"token": ada.token(FORM, LINES)}, Origin="http://localhost:1")


def cross_site_without_an_origin(ada: Visitor) -> httpx.Response:
    data = {"token": ada.token(FORM, LINES)}
    return ada.http.post(LINES, data=data, headers={"Sec-Fetch-Site": "cross-site"})


def replayed_form(ada: Visitor) -> httpx.Response:
    data = {"token": ada.token(FORM, LINES)}
    assert ada.post(LINES, data).status_code == 303
    return ada.post(LINES, data)


def rebound_host(ada: Visitor) -> httpx.Response:
    return ada.http.get("/-/runs", headers={"Host": "evil.example"})


def form_as_json(ada: Visitor) -> httpx.Response:
    return ada.http.post(LINES, json={"token": ada.token(FORM, LINES)}, headers={"Origin": ada.server.origin})


def form_without_end(ada: Visitor) -> httpx.Response:
    return ada.post(LINES, {"token": ada.token(FORM, LINES), "p.note": "x" * 2_000_000})


def form_by_get(ada: Visitor) -> httpx.Response:
    return ada.http.get(LINES)


def form_by_put(ada: Visitor) -> httpx.Response:
    return ada.http.put(LINES, headers={"Origin": ada.server.origin})


def runbook_outside(ada: Visitor) -> httpx.Response:
    return ada.http.get("/-/runbooks/..%2f..%2fetc%2fpasswd")


def runbook_by_its_file(ada: Visitor) -> httpx.Response:
    return ada.http.get("/-/runbooks/step.py")


def run_outside(ada: Visitor) -> httpx.Response:
    return ada.http.get("/-/runs/..%2fapprovers")


def evidence_outside(ada: Visitor) -> httpx.Response:
    return ada.http.get("/-/runs/20260101-000000-000000/evidence/1")


def file_outside_the_site(ada: Visitor) -> httpx.Response:
    return ada.http.get("/%2e%2e/%2e%2e/pyproject.toml")


def request_by_a_pattern(ada: Visitor) -> httpx.Response:
    return ada.http.get("/-/approvals/*")


def plan_that_nobody_made(ada: Visitor) -> httpx.Response:
    return ada.post(f"/-/plans/{'a' * 64}/run", {"token": ada.token(FORM, LINES)})


def nobody(ada: Visitor) -> httpx.Response:
    return Visitor(ada.server).http.get("/-/runs")


def somebody_unknown(ada: Visitor) -> httpx.Response:
    return Visitor(ada.server, "eve").http.get("/-/runs")


def two_names_at_once(ada: Visitor) -> httpx.Response:
    return httpx.get(f"{ada.server.origin}/-/runs", headers=[(HEADER, "ada@example.org"), (HEADER, "bob@example.org")])


def viewer_who_plans(ada: Visitor) -> httpx.Response:
    viewer = Visitor(ada.server, "vic")
    assert "may look at everything here" in viewer.get(FORM)
    # the page has no form for a viewer: its token is one that an operator's page gave to the viewer's session
    page = viewer.http.get(FORM, headers={HEADER: "ada@example.org"})
    return viewer.post(LINES, {"token": token_in(page.text, LINES)})


FORGERIES: list[tuple[Callable[[Visitor], httpx.Response], int, str]] = [
    (no_token, 403, "the form carries no token"),
    (token_of_another_session, 403, "not of this session"),
    (token_of_another_form, 403, "not of this session"),
    (made_up_token, 403, "not of this session"),
    (token_without_a_shape, 403, "not of this session"),
    (foreign_origin, 403, "from a page of another site"),
    (origin_of_a_sandbox, 403, "from a page of another site"),
    (origin_on_another_port, 403, "from a page of another site"),
    (cross_site_without_an_origin, 403, "from a page of another site"),
    (replayed_form, 403, "was sent before"),
    (rebound_host, 421, "not reached by that name"),
    (form_as_json, 415, "that is no form"),
    (form_without_end, 413, "at most 1000000 bytes"),
    (form_by_get, 404, "there is no such page"),
    (form_by_put, 405, "PUT is not known here"),
    (runbook_outside, 404, "no such runbook"),
    (runbook_by_its_file, 404, "no such runbook"),
    (run_outside, 404, ""),
    (evidence_outside, 404, "no such run"),
    (file_outside_the_site, 404, "no such page"),
    (request_by_a_pattern, 404, "is no digest"),
    (plan_that_nobody_made, 403, "not of this session"),
    (nobody, 401, "does not say who you are"),
    (somebody_unknown, 403, "eve@example.org has no role"),
    (two_names_at_once, 401, "does not say who you are"),
    (viewer_who_plans, 403, "vic@example.org does not have the role 'operator'"),
]


@pytest.mark.parametrize(("forge", "status", "reason"), FORGERIES, ids=lambda value: getattr(value, "__name__", ""))
def test_it_is_refused_for_its_reason(
    ada: Visitor, forge: Callable[[Visitor], httpx.Response], status: int, reason: str
) -> None:
    """Each forgery gets its own status and one clear sentence."""
    answer = forge(ada)
    assert (answer.status_code, reason in said(answer)) == (status, True), said(answer)
    assert "default-src 'none'" in answer.headers["content-security-policy"]


def test_a_plan_of_a_page_that_was_edited_does_not_run(ada: Visitor, project: SmallProject) -> None:
    """Somebody edits the runbook while its form is open: what was looked at is not what would run."""
    digest = ada.planned("lines")
    page = project.root / "runbooks" / "lines.md"
    before = page.read_text()
    page.write_text(before.replace("## three", "## three, really"))
    try:
        plan = f"/-/plans/{digest}"
        answer = ada.sent(plan, f"{plan}/run", answer__sure="yes")
    finally:
        page.write_text(before)
    assert answer.status_code == 409
    assert f"it is another plan than {digest[:12]} by now" in said(answer)


def test_who_asked_cannot_approve(ada: Visitor, project: SmallProject, request_page: str) -> None:
    """Also not with the same passkey under a second name, which is not even offered."""
    asked = ada.drafted(request_page, f"{request_page}/approve", hours="1")
    assert asked["credentials"] == [project.passkeys["ada"].credential]
    answer = ada.sign(asked, project.passkeys["ada"])
    assert (answer.status_code, said(answer)) == (
        409,
        "ada@example.org asked for it: somebody else has to approve",
    )
    dora = Visitor(ada.server, "dora")
    second = dora.sign(dora.drafted(request_page, f"{request_page}/approve", hours="1"), project.passkeys["ada"])
    assert (second.status_code, said(second)) == (
        403,
        "you are dora@example.org, and the key is that of ada@example.org",
    )


def test_somebody_else_s_key_is_not_mine(ada: Visitor, project: SmallProject, request_page: str) -> None:
    """Whom the proxy names has to be whose key it is."""
    asked = ada.drafted(request_page, f"{request_page}/approve", hours="1")
    answer = ada.sign(asked, project.passkeys["bob"])
    assert (answer.status_code, said(answer)) == (403, "the policy does not know this passkey as yours")


def test_a_signature_is_taken_once_and_by_its_own_session(
    server: Server, project: SmallProject, request_page: str
) -> None:
    """What was signed for another text, by another session, or a second time, is nothing."""
    bob, other = Visitor(server, "bob"), Visitor(server, "bob")
    asked = bob.drafted(request_page, f"{request_page}/approve", hours="1")
    foreign = other.drafted(request_page, f"{request_page}/approve", hours="1")
    stolen = other.sign({**asked, "token": foreign["token"]}, project.passkeys["bob"])
    assert (stolen.status_code, "not of this session" in said(stolen)) == (403, True)
    swapped = bob.sign({**asked, "challenge": foreign["challenge"]}, project.passkeys["bob"])
    assert (swapped.status_code, said(swapped)) == (409, "the passkey has signed something else")
    again = bob.sign(asked, project.passkeys["bob"])
    assert (again.status_code, "sent before" in said(again)) == (403, True)


def test_nothing_is_approved_that_nobody_has_looked_at(server: Server, project: SmallProject, tmp_path: Path) -> None:
    """An approval is of this server's own plan, so there has to be one."""
    bob = Visitor(server, "bob")
    (file,) = (project.root / ".playbook" / "approvals").glob("*.json")
    fresh = file.with_name(f"{'b' * 64}.json")
    fresh.write_text(file.read_text())
    try:
        page = f"/-/approvals/{'b' * 64}"
        assert "Approve with your passkey" not in bob.get(page)
        token = bob.token(page, f"{page}/reject")
        answer = bob.post(f"{page}/approve", {"token": token}, Accept="application/json")
    finally:
        fresh.unlink()
    assert answer.status_code == 403 and json.loads(answer.text)["error"]
