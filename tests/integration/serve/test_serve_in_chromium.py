"""From a runbook's page to a finished restatement in a real browser: two people with passkeys, and no terminal."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import chromium
import pytest
from playwright.sync_api import Browser, Page, sync_playwright
from project_clone import ProjectClone
from served_project import Server, serving

from dagster_playbook.runbook.evidence import look_at
from dagster_playbook.runbook.store import Store, run_state

pytestmark = pytest.mark.browser
AUTHENTICATOR = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}
#: a whole restatement on a machine that does other things too
PATIENCE_MS = 120_000


@pytest.fixture
def browser() -> Iterator[Browser]:
    """A headless Chromium, which ends with its test: no other test could have an event loop beside it."""
    program, missing = chromium.find()
    if program is None:
        reason = chromium.why_none(missing)
        pytest.fail(reason) if os.environ.get("CI") else pytest.skip(reason)
    with sync_playwright() as driver:
        started = driver.chromium.launch(executable_path=program, args=["--no-sandbox", "--disable-gpu"])
        yield started
        started.close()


@pytest.fixture
def site(project: Path, tmp_path: Path) -> Path:
    """The project's own site."""
    command = [
        sys.executable,
        "-m",
        "mkdocs",
        "build",
        "--quiet",
        "--config-file",
        "mkdocs.site.yml",
        "--site-dir",
        str(tmp_path / "site"),
    ]
    environment = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    subprocess.run(command, cwd=project, env=environment, check=True, capture_output=True)
    return tmp_path / "site"


@pytest.fixture
def server(served_clone: ProjectClone, site: Path) -> Iterator[Server]:
    served_clone.forget_approvals()
    with serving(served_clone.root, "--site", str(site), environment=served_clone.environment) as made:
        yield made


class Somebody:
    """A person with a browser and an authenticator of their own; `problems` is what the browser complained of."""

    def __init__(self, browser: Browser, server: Server, clone: ProjectClone, name: str) -> None:
        self.page: Page = browser.new_context(base_url=server.origin).new_page()
        self.page.set_default_timeout(PATIENCE_MS)
        self.problems: list[str] = []
        self.page.on("pageerror", lambda error: self.problems.append(str(error)))
        self.page.on("console", lambda said: self._hear(said.text) if said.type == "error" else None)
        session = self.page.context.new_cdp_session(self.page)
        session.send("WebAuthn.enable")
        session.send("WebAuthn.addVirtualAuthenticator", {"options": AUTHENTICATOR})
        self._register(clone, name)

    def _hear(self, text: str) -> None:
        """The theme asks GitHub for the repository's stars, and a page of this server asks nobody else."""
        if "api.github.com" not in text:
            self.problems.append(text)

    def _register(self, clone: ProjectClone, name: str) -> None:
        """Make a passkey, and have its line committed, as a reviewer would."""
        self.page.goto("/-/passkey")
        self.page.fill("#name", name)
        self.page.click("text=Make a passkey")
        self.page.wait_for_function("document.getElementById('line').textContent")
        with (clone.root / ".playbook" / "approvers" / "allowed_signers").open("a") as file:
            file.write(f"{self.page.text_content('#line')}\n")


def test_from_the_page_to_a_finished_run(browser: Browser, server: Server, served_clone: ProjectClone) -> None:
    """Plan, request, approve by somebody else, run: what ran is the plan that was looked at, step by step."""
    requester = Somebody(browser, server, served_clone, "requester@localhost")
    approver = Somebody(browser, server, served_clone, "approver@localhost")
    page = requester.page
    page.goto("/runbooks/restate-by-model.html")
    page.fill("#p-models", "oso.m0")
    page.click("#operate button")
    page.wait_for_url("**/-/plans/*")
    digest = page.text_content("#digest")
    assert f"digest {digest}" in (page.text_content(".live-plan") or "")
    assert page.query_selector("button.live-strong") is None

    page.fill("#reason", "a seed was mended")
    page.click("text=Request with your passkey")
    page.wait_for_url(f"**/-/approvals/{digest}")

    approver.page.goto("/-/approvals")
    approver.page.click("text=Restate models by name")
    approver.page.click("text=Look at the plan")
    approver.page.wait_for_selector(".live-plan")
    approver.page.click("text=Approve with your passkey")
    approver.page.wait_for_selector("dd .live-good >> text=approver@localhost")

    # the requester's page has heard of it by itself
    page.wait_for_selector("dd .live-good >> text=approver@localhost")
    page.goto(f"/-/plans/{digest}")
    page.fill("#a-sure", "yes")
    page.click("button.live-strong")
    page.wait_for_url("**/-/runs/*")
    page.wait_for_selector("[data-step=restate][data-state=started]")
    page.wait_for_selector("[data-step=filled][data-state=succeeded]")
    page.wait_for_selector("#state >> text=succeeded")
    assert "approved by approver@localhost, asked for by requester@localhost" in page.content()
    folder = Store(served_clone.root).run_folder("last")
    assert run_state(folder)["digest"] == digest
    assert look_at(folder).problems == []
    assert requester.problems == approver.problems == []
