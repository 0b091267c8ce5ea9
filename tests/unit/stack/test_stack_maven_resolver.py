"""Fetching without Maven, from a repository on loopback that the settings name as mirror."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import signal
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from dagster_playbook.errors import StackError
from dagster_playbook.stack.artifacts import Artifact
from dagster_playbook.stack.fetch import fetch, is_fetched

CONTENT = b"what the repository has" * 1000


@dataclass
class Mirror:
    """A Maven repository of its own: path to content, and what it was asked.

    Attributes:
        endless: a path whose answer never ends; Ctrl-C is pressed once it has begun.
        cut: how many answers yet end before the file does.
        login: what an Authorization header has to be; anybody may ask when empty.
    """

    files: dict[str, bytes] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    endless: str = ""
    cut: int = 0
    login: str = ""
    url: str = ""

    def offer(self, coordinates: str, content: bytes = CONTENT) -> Artifact:
        """Serve a file; the artifact that pins it."""
        artifact = Artifact(coordinates.split(":")[1], coordinates, len(content), hashlib.sha256(content).hexdigest())
        self.files["/m/" + artifact.path_in(Path()).as_posix()] = content
        return artifact


@pytest.fixture
def mirror(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Mirror]:
    """A mirror that ~/.m2/settings.xml of an empty home names, on a machine without `mvn`."""
    served = Mirror()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            """Answer with the file; one that is to be cut promises more than it sends."""
            served.asked.append(self.path)
            content = served.files.get(self.path)
            if served.login and self.headers.get("Authorization") != served.login:
                return self.send_error(401)
            if content is None:
                return self.send_error(404)
            self.send_response(200)
            self.send_header("Content-Length", str(len(content) + (1 << 40 if self.path == served.endless else 0)))
            self.end_headers()
            if self.path == served.endless:
                return self.go_on(content)
            if served.cut:
                served.cut -= 1
                content = content[:100]
            self.wfile.write(content)
            return None

        def go_on(self, content: bytes) -> None:
            """Send for as long as anybody reads."""
            self.wfile.write(content)
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
            with contextlib.suppress(OSError):
                while True:
                    self.wfile.write(content)

        def do_HEAD(self) -> None:
            """Answer as to GET; the client reads no further than the head."""
            self.do_GET()

        def log_message(self, format: str, *args: object) -> None:
            """Requests are no test output."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    served.url = f"http://127.0.0.1:{server.server_address[1]}/m"
    write_settings(tmp_path, f"<mirror><id>ours</id><mirrorOf>*</mirrorOf><url>{served.url}</url></mirror>")
    for name in ("PLAYBOOK_MAVEN", "PLAYBOOK_MAVEN_MIRROR", "MAVEN_HOME", "M2_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    yield served
    server.shutdown()
    server.server_close()
    thread.join()


def write_settings(home: Path, mirrors: str, more: str = "") -> None:
    """Make ~/.m2/settings.xml."""
    (home / ".m2").mkdir(exist_ok=True)
    (home / ".m2" / "settings.xml").write_text(f"<settings><mirrors>{mirrors}</mirrors>{more}</settings>")


def unmetered(_: str, __: int, ___: int) -> None:
    """Tell nobody."""


@pytest.mark.parametrize("coordinates", ["org.x.y:tool:1:jar", "org.x:tool:1:jar:runner", "io.x:tool:476:tar.gz"])
def test_a_file_is_fetched_from_the_mirror_by_its_coordinates(tmp_path: Path, mirror: Mirror, coordinates: str) -> None:
    """Extension and classifier lead to the file where Maven's layout has it, both there and in the cache."""
    tool = mirror.offer(coordinates)
    places = fetch([tool], tmp_path / "cache", unmetered)
    assert places["tool"] == tool.path_in(tmp_path / "cache" / "maven")
    assert places["tool"].read_bytes() == CONTENT


def test_the_mirror_of_the_environment_is_asked_even_beside_an_mvn(
    tmp_path: Path, mirror: Mirror, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PLAYBOOK_MAVEN_MIRROR is asked in place of settings.xml, and by the resolver, though `mvn` is on PATH."""
    tool = mirror.offer("org.x:tool:1:jar")
    write_settings(tmp_path, "<mirror><id>dead</id><mirrorOf>*</mirrorOf><url>http://127.0.0.1:9/</url></mirror>")
    (tmp_path / "mvn").write_text("#!/bin/sh\nexit 1\n")
    (tmp_path / "mvn").chmod(0o755)
    monkeypatch.setenv("PLAYBOOK_MAVEN_MIRROR", mirror.url)
    assert fetch([tool], tmp_path / "cache", unmetered)["tool"].read_bytes() == CONTENT


def test_an_mvn_that_is_not_wanted_is_not_used(tmp_path: Path, mirror: Mirror, monkeypatch: pytest.MonkeyPatch) -> None:
    """PLAYBOOK_MAVEN=none fetches without the `mvn` on PATH, e.g. one that is broken."""
    tool = mirror.offer("org.x:tool:1:jar")
    (tmp_path / "mvn").write_text("#!/bin/sh\nexit 1\n")
    (tmp_path / "mvn").chmod(0o755)
    monkeypatch.setenv("PLAYBOOK_MAVEN", "none")
    assert fetch([tool], tmp_path / "cache", unmetered)["tool"].read_bytes() == CONTENT


def test_a_download_that_breaks_off_is_begun_again(tmp_path: Path, mirror: Mirror) -> None:
    """Two cuts are got over, and the file is whole."""
    tool = mirror.offer("org.x:tool:1:jar")
    mirror.cut = 2
    assert fetch([tool], tmp_path / "cache", unmetered)["tool"].read_bytes() == CONTENT


def test_a_download_that_keeps_breaking_off_leaves_no_part(tmp_path: Path, mirror: Mirror) -> None:
    """After the last attempt the error says what broke, no part stands under the file's name, whole files stay."""
    whole, tool = mirror.offer("org.x:whole:1:jar", b"small"), mirror.offer("org.x:tool:1:jar")
    fetch([whole], tmp_path / "cache", unmetered)
    mirror.cut = 99
    with pytest.raises(StackError, match=r"cannot fetch org\.x:tool:1:jar from http://127\..*100 bytes read") as caught:
        fetch([whole, tool], tmp_path / "cache", unmetered)
    assert "run it again" in caught.value.cure
    assert not tool.path_in(tmp_path / "cache" / "maven").exists()
    assert is_fetched([whole], tmp_path / "cache")


def test_ctrl_c_ends_a_download_at_once(tmp_path: Path, mirror: Mirror) -> None:
    """A long download stops when it is interrupted, and no part of it stands under the file's name."""
    first, long = mirror.offer("org.x:first:1:jar", b"small"), mirror.offer("org.x:long:1:jar")
    mirror.endless = "/m/org/x/long/1/long-1.jar"
    with pytest.raises(KeyboardInterrupt):
        fetch([first, long], tmp_path / "cache", unmetered)
    assert is_fetched([first], tmp_path / "cache")
    assert not long.path_in(tmp_path / "cache" / "maven").exists()


def test_what_the_repository_lacks_is_told_with_its_answer(tmp_path: Path, mirror: Mirror) -> None:
    """A repository without the artifact is named with its status, asked once and not again and again."""
    gone = Artifact("gone", "org.x:gone:1:jar", 1, "0" * 64)
    with pytest.raises(StackError, match=r"cannot fetch org\.x:gone:1:jar from .*: it answers with HTTP 404"):
        fetch([gone], tmp_path / "cache", unmetered)
    assert mirror.asked == ["/m/org/x/gone/1/gone-1.jar"] * 2


def test_another_file_than_the_pinned_is_refused_and_removed(tmp_path: Path, mirror: Mirror) -> None:
    """The digest holds without Maven too: what a mirror serves in its place is not kept."""
    tool = mirror.offer("org.x:tool:1:jar")
    mirror.files["/m/org/x/tool/1/tool-1.jar"] = CONTENT[:-1] + b"!"
    with pytest.raises(StackError, match="is not the pinned file"):
        fetch([tool], tmp_path / "cache", unmetered)
    assert not tool.path_in(tmp_path / "cache" / "maven").exists()


def test_a_mirror_with_a_login_is_asked_with_it(tmp_path: Path, mirror: Mirror) -> None:
    """User and password of the settings' server reach the mirror."""
    mirror.login = "Basic " + base64.b64encode(b"me:s@cret").decode()
    server = "<servers><server><id>ours</id><username>me</username><password>s@cret</password></server></servers>"
    write_settings(tmp_path, f"<mirror><id>ours</id><mirrorOf>*</mirrorOf><url>{mirror.url}</url></mirror>", server)
    assert fetch([mirror.offer("org.x:tool:1:jar")], tmp_path / "cache", unmetered)["tool"].is_file()


def test_a_refused_login_is_told_without_the_password(tmp_path: Path, mirror: Mirror) -> None:
    """HTTP 401 is the reason, and the password stands nowhere in it."""
    mirror.login = "Basic other"
    server = "<servers><server><id>ours</id><username>me</username><password>s@cret</password></server></servers>"
    write_settings(tmp_path, f"<mirror><id>ours</id><mirrorOf>*</mirrorOf><url>{mirror.url}</url></mirror>", server)
    with pytest.raises(StackError, match="it answers with HTTP 401") as caught:
        fetch([mirror.offer("org.x:tool:1:jar")], tmp_path / "cache", unmetered)
    assert "cret" not in str(caught.value)


def test_a_repository_that_cannot_be_reached_is_told(tmp_path: Path, mirror: Mirror) -> None:
    """Without a network the error names the repository and what else could be set."""
    write_settings(tmp_path, "<mirror><id>dead</id><mirrorOf>*</mirrorOf><url>http://127.0.0.1:9/m</url></mirror>")
    with pytest.raises(StackError, match=r"from http://127\.0\.0\.1:9/m: .*refused") as caught:
        fetch([Artifact("gone", "org.x:gone:1:jar", 1, "0" * 64)], tmp_path / "cache", unmetered)
    assert "PLAYBOOK_MAVEN_MIRROR" in caught.value.cure
