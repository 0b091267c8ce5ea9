"""Find a Java that is new enough, and say where it was looked for when there is none."""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Iterator, Mapping
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


@dataclass(frozen=True, slots=True)
class Jdk:
    """A Java installation; `major` is its feature release, e.g. 25."""

    home: Path
    major: int

    @property
    def java(self) -> Path:
        """The launcher."""
        return self.home / "bin" / "java"


def read_jdk(home: Path) -> Jdk | None:
    """The JDK at `home` as its own `release` file describes it, or None when there is none."""
    release = home / "release"
    if not (home / "bin" / "java").is_file() or not release.is_file():
        return None
    found = re.search(
        r'^JAVA_VERSION="(?:1\.)?(\d+)', release.read_text(encoding="utf-8", errors="replace"), re.MULTILINE
    )
    return Jdk(home, int(found.group(1))) if found else None


def find_jdk(
    minimum: int = MINIMUM_JAVA, environment: Mapping[str, str] = os.environ, rooms: tuple[str, ...] = _ROOMS
) -> Jdk:
    """The JDK to use: the one that PLAYBOOK_JAVA_HOME names, else the oldest that is new enough.

    The oldest, because the services were tried with it rather than with what comes after.

    Raises:
        StackError: PLAYBOOK_JAVA_HOME names something else, or no installed Java is new enough.
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
    usable = sorted((j for j in found.values() if j.major >= minimum), key=lambda j: (j.major, str(j.home)))
    if usable:
        return usable[0]
    seen = ", ".join(f"Java {j.major} in {j.home}" for j in found.values()) or "no Java at all"
    raise StackError(f"Trino needs a JDK of {minimum} or later; found {seen}", cure=_how_to_install(minimum))


def _homes(environment: Mapping[str, str], rooms: tuple[str, ...]) -> Iterator[Path]:
    if named := environment.get("JAVA_HOME"):
        yield Path(named)
    if on_path := shutil.which("java", path=environment.get("PATH")):
        yield Path(on_path).resolve().parent.parent
    for pattern in rooms:
        folder = Path(pattern).expanduser()
        yield from sorted(Path(folder.anchor).glob(str(folder.relative_to(folder.anchor))))


def _how_to_install(minimum: int) -> str:
    install = (
        "brew install openjdk" if sys.platform == "darwin" else "apt-get install temurin-25-jdk, or sdk install java"
    )
    return f"install a JDK of {minimum} or later ({install}), then set JAVA_HOME or PLAYBOOK_JAVA_HOME to it"
