"""Where artifacts come from, as the user has set it up for Maven: mirrors, repositories and logins of settings.xml."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit, urlunsplit
from xml.etree import ElementTree

from dagster_playbook.errors import StackError

#: the repository that Maven asks by itself, by the name that it has in settings
CENTRAL = "central"
#: what names a mirror without any file
MIRROR_VARIABLE = "PLAYBOOK_MAVEN_MIRROR"
_MARK = re.compile(r"\$\{(env\.)?([\w.]+)\}")


@dataclass(frozen=True, slots=True)
class Repository:
    """A Maven repository; `name` is its id in settings, `url` is without a login."""

    name: str
    url: str
    user: str = ""
    password: str = ""

    @property
    def url_with_login(self) -> str:
        """The url with user and password before the host, as HTTP clients take them."""
        if not self.user:
            return self.url
        parts = urlsplit(self.url)
        login = f"{quote(self.user, safe='')}:{quote(self.password, safe='')}"
        return urlunsplit(parts._replace(netloc=f"{login}@{parts.netloc}"))


def settings_files(environment: Mapping[str, str] = os.environ) -> list[Path]:
    """The settings that Maven would read, the user's before the installation's, whether they are there or not."""
    files = [Path(environment.get("HOME") or Path.home()) / ".m2" / "settings.xml"]
    homes = [environment[name] for name in ("MAVEN_HOME", "M2_HOME") if environment.get(name)]
    return files + [Path(home) / "conf" / "settings.xml" for home in homes[:1]]


def repository_of(central_url: str, environment: Mapping[str, str] = os.environ) -> Repository:
    """The repository to ask: PLAYBOOK_MAVEN_MIRROR, else the mirror of `central` in the settings, else `central`.

    An active profile of the settings may give `central` another url than `central_url`.

    Raises:
        StackError: a file of settings cannot be read, the address is not of http, or the login is encrypted.
    """
    if named := environment.get(MIRROR_VARIABLE):
        return _usable(Repository(MIRROR_VARIABLE, named), "")
    roots = {str(path): root for path in settings_files(environment) if (root := _read(path)) is not None}
    found, origin = Repository(CENTRAL, central_url), ""
    for path, root in reversed(roots.items()):
        for name, url in _repositories(root, environment):
            if name == CENTRAL:
                found, origin = Repository(CENTRAL, url), path
    for path, mirror in _mirrors(roots, found, environment)[:1]:
        found, origin = Repository(_text(mirror, "id", environment), _text(mirror, "url", environment)), path
        if _text(mirror, "blocked", environment) == "true":
            raise StackError(f"the mirror {found.name!r} blocks {CENTRAL!r}", path=origin, cure=_cure())
    for path, root in roots.items():
        for server in root.iterfind("{*}servers/{*}server"):
            if _text(server, "id", environment) == found.name:
                login = (_text(server, part, environment) for part in ("username", "password"))
                return _usable(Repository(found.name, found.url, *login), path)
    return _usable(found, origin)


def _mirrors(
    roots: Mapping[str, ElementTree.Element], repository: Repository, environment: Mapping[str, str]
) -> list[tuple[str, ElementTree.Element]]:
    """The mirrors of the repository with their files; one that names it comes before one that a pattern makes it."""
    mirrors = [(path, mirror) for path, root in roots.items() for mirror in root.iterfind("{*}mirrors/{*}mirror")]
    patterns = [_text(mirror, "mirrorOf", environment) for _, mirror in mirrors]
    exact = [m for m, pattern in zip(mirrors, patterns, strict=True) if pattern == CENTRAL]
    return exact + [m for m, pattern in zip(mirrors, patterns, strict=True) if _matches(pattern, repository.url)]


def _usable(repository: Repository, origin: str) -> Repository:
    """The repository with its login apart from the url; refused when it cannot be asked."""
    parts = urlsplit(repository.url)
    login, _, place = parts.netloc.rpartition("@")
    url = urlunsplit(parts._replace(netloc=place)).rstrip("/")
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise StackError(
            f"the Maven repository {repository.name!r} has the address {url!r}, which is not of http or https",
            path=origin,
            cure=_cure(),
        )
    if re.fullmatch(r"\{.*\}", repository.password):
        raise StackError(
            f"the password of {repository.name!r} is encrypted, which only Maven itself can undo",
            path=origin,
            cure=f"install Apache Maven, or {_cure()}",
        )
    user, _, password = (unquote(part) for part in login.partition(":"))
    return Repository(repository.name, url, repository.user or user, repository.password or password)


def _cure() -> str:
    return f"set {MIRROR_VARIABLE} to the address of a Maven repository"


def _read(path: Path) -> ElementTree.Element | None:
    """The root of a file of settings, or None when there is no such file."""
    try:
        # The user's own file, which entities of its own would only slow down.
        return ElementTree.parse(path).getroot()  # noqa: S314
    except FileNotFoundError:
        return None
    except (OSError, ElementTree.ParseError, UnicodeDecodeError) as error:
        raise StackError(f"Maven's settings cannot be read: {error}", path=str(path), cure=_cure()) from error


def _repositories(root: ElementTree.Element, environment: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Id and url of the repositories of the active profiles."""
    active = {(e.text or "").strip() for e in root.iterfind("{*}activeProfiles/{*}activeProfile")}
    for profile in root.iterfind("{*}profiles/{*}profile"):
        by_default = _text(profile, "activation/{*}activeByDefault", environment) == "true"
        if _text(profile, "id", environment) in active or (by_default and not active):
            for entry in profile.iterfind("{*}repositories/{*}repository"):
                yield _text(entry, "id", environment), _text(entry, "url", environment)


def _text(element: ElementTree.Element, name: str, environment: Mapping[str, str]) -> str:
    """The text of a child, its `${env.NAME}` and `${user.home}` filled; "" when it is not there."""

    def fill(mark: re.Match[str]) -> str:
        known = environment if mark.group(1) else {"user.home": environment.get("HOME") or str(Path.home())}
        return known.get(mark.group(2), mark.group())

    return _MARK.sub(fill, (element.findtext("{*}" + name) or "").strip())


def _matches(mirror_of: str, url: str) -> bool:
    """Whether the patterns of a mirror take in `central`, e.g. `*`, `external:*`, `a,central`, and not `*,!central`."""
    patterns = {part.strip() for part in mirror_of.split(",")}
    parts = urlsplit(url)
    taken = {CENTRAL, "*"}
    if parts.hostname not in ("localhost", "127.0.0.1"):
        taken |= {"external:*", "external:http:*"} if parts.scheme == "http" else {"external:*"}
    return f"!{CENTRAL}" not in patterns and bool(patterns & taken)
