"""Which repository is asked, by Maven's own settings and by the environment."""

from __future__ import annotations

from pathlib import Path

import pytest

from dagster_playbook.errors import StackError
from dagster_playbook.stack.maven_settings import Repository, repository_of, settings_files

CENTRAL = "https://central.invalid/maven2"
MIRROR = (
    "<mirrors><mirror><id>ours</id><mirrorOf>{of}</mirrorOf><url>https://mirror.invalid/m/</url></mirror></mirrors>"
)


def settings(home: Path, body: str, namespace: str = "http://maven.apache.org/SETTINGS/1.2.0") -> dict[str, str]:
    """Write ~/.m2/settings.xml of a home; the environment of its user."""
    (home / ".m2").mkdir(parents=True, exist_ok=True)
    (home / ".m2" / "settings.xml").write_text(f'<settings xmlns="{namespace}">{body}</settings>')
    return {"HOME": str(home)}


def asked(environment: dict[str, str]) -> Repository:
    """The repository that is asked in that environment."""
    return repository_of(CENTRAL, environment)


def test_without_settings_it_is_central(tmp_path: Path) -> None:
    """In an empty home the repository is the one that Maven asks by itself, without a login."""
    assert asked({"HOME": str(tmp_path)}) == Repository("central", CENTRAL)


@pytest.mark.parametrize("namespace", ["http://maven.apache.org/SETTINGS/1.0.0", ""])
def test_settings_of_every_version_are_read(tmp_path: Path, namespace: str) -> None:
    """The namespace of the file, which differs by version and is often left out, does not matter."""
    assert asked(settings(tmp_path, MIRROR.format(of="central"), namespace)).url == "https://mirror.invalid/m"


@pytest.mark.parametrize(
    ("pattern", "mirrored"),
    [
        ("central", True),
        ("*", True),
        ("external:*", True),
        ("other, central", True),
        ("*,!other", True),
        ("other", False),
        ("*,!central", False),
        ("external:http:*", False),
        ("", False),
    ],
)
def test_a_mirror_is_asked_when_it_mirrors_central(tmp_path: Path, pattern: str, mirrored: bool) -> None:
    """`mirrorOf` is read as Maven reads it: names, `*`, `external:` and what `!` takes out."""
    assert (asked(settings(tmp_path, MIRROR.format(of=pattern))).name == "ours") is mirrored


def test_the_mirror_that_names_central_comes_first(tmp_path: Path) -> None:
    """Of two mirrors the one that names the repository wins over the one that matches it by a pattern."""
    two = """<mirrors>
      <mirror><id>all</id><mirrorOf>*</mirrorOf><url>https://all.invalid</url></mirror>
      <mirror><id>named</id><mirrorOf>central</mirrorOf><url>https://named.invalid</url></mirror>
    </mirrors>"""
    assert asked(settings(tmp_path, two)).name == "named"


def test_the_users_settings_come_before_the_installations(tmp_path: Path) -> None:
    """What ~/.m2 says wins over the conf folder of the Maven that MAVEN_HOME names."""
    (tmp_path / "maven" / "conf").mkdir(parents=True)
    theirs = MIRROR.format(of="central").replace("ours", "theirs")
    (tmp_path / "maven" / "conf" / "settings.xml").write_text(f"<settings>{theirs}</settings>")
    alone = {"HOME": str(tmp_path / "empty"), "MAVEN_HOME": str(tmp_path / "maven")}
    both = alone | settings(tmp_path / "user", MIRROR.format(of="central"))
    assert [asked(alone).name, asked(both).name] == ["theirs", "ours"]


def test_the_environment_comes_before_all_settings(tmp_path: Path) -> None:
    """PLAYBOOK_MAVEN_MIRROR decides, whatever settings.xml says; a login in it stands apart."""
    environment = settings(tmp_path, MIRROR.format(of="*"))
    source = asked(environment | {"PLAYBOOK_MAVEN_MIRROR": "https://me:p%40ss@named.invalid/m"})
    assert (source.url, source.user, source.password) == ("https://named.invalid/m", "me", "p@ss")
    assert source.url_with_login == "https://me:p%40ss@named.invalid/m"


@pytest.mark.parametrize(
    ("activation", "profile"),
    [
        ("", "<activation><activeByDefault>true</activeByDefault></activation>"),
        ("<activeProfile>p</activeProfile>", ""),
    ],
)
def test_an_active_profile_may_move_central(tmp_path: Path, activation: str, profile: str) -> None:
    """A repository `central` of an active profile takes the place of Maven's own, as artifact servers set it up."""
    place = "<repositories><repository><id>central</id><url>https://moved.invalid/m</url></repository></repositories>"
    body = f"<profiles><profile><id>p</id>{profile}{place}</profile></profiles>"
    body += f"<activeProfiles>{activation}</activeProfiles>"
    assert asked(settings(tmp_path, body)) == Repository("central", "https://moved.invalid/m")


def test_a_profile_that_is_not_active_moves_nothing(tmp_path: Path) -> None:
    """A profile that nobody activates is passed over."""
    place = "<repositories><repository><id>central</id><url>https://moved.invalid/m</url></repository></repositories>"
    assert asked(settings(tmp_path, f"<profiles><profile><id>p</id>{place}</profile></profiles>")).url == CENTRAL


def test_the_mirrors_login_is_that_of_its_server(tmp_path: Path) -> None:
    """User and password come from the server of the mirror's id, with the environment's variables filled in."""
    servers = """<servers>
      <server><id>other</id><username>no</username><password>no</password></server>
      <server><id>ours</id><username>me</username><password>${env.REPO_TOKEN}</password></server>
    </servers>"""
    source = asked(settings(tmp_path, MIRROR.format(of="*") + servers) | {"REPO_TOKEN": "s:ecret"})
    assert source.url_with_login == "https://me:s%3Aecret@mirror.invalid/m"
    assert source.url == "https://mirror.invalid/m"


def test_an_encrypted_password_is_refused(tmp_path: Path) -> None:
    """A password that only Maven can decrypt is told with the file, and Maven as the cure."""
    server = "<servers><server><id>ours</id><username>me</username><password>{jSMOWnoP=}</password></server></servers>"
    with pytest.raises(StackError, match="password of 'ours' is encrypted") as caught:
        asked(settings(tmp_path, MIRROR.format(of="*") + server))
    assert caught.value.path.endswith("settings.xml")
    assert "install Apache Maven" in caught.value.cure


def test_a_mirror_that_blocks_is_obeyed(tmp_path: Path) -> None:
    """A mirror with `blocked` means that nothing is fetched from there, nor from what it mirrors."""
    blocked = MIRROR.format(of="*").replace("</mirror>", "<blocked>true</blocked></mirror>")
    with pytest.raises(StackError, match="the mirror 'ours' blocks 'central'"):
        asked(settings(tmp_path, blocked))


def test_an_address_that_is_not_of_http_is_refused_without_its_password(tmp_path: Path) -> None:
    """Another scheme is refused by name, and a password in the address is not printed."""
    with pytest.raises(StackError, match=r"PLAYBOOK_MAVEN_MIRROR.*ftp://mirror\.invalid/m.*not of http") as caught:
        asked({"HOME": str(tmp_path), "PLAYBOOK_MAVEN_MIRROR": "ftp://me:hunter2@mirror.invalid/m"})
    assert "hunter2" not in str(caught.value)


def test_broken_settings_are_told_by_their_file(tmp_path: Path) -> None:
    """Settings that are no XML are one line with the file, and not passed over."""
    environment = settings(tmp_path, "<mirrors>")
    with pytest.raises(StackError, match="settings cannot be read: mismatched tag") as caught:
        asked(environment)
    assert caught.value.path == str(settings_files(environment)[0])
