"""The facts of a project: from the cache when nothing changed, else from SQLMesh and Dagster, both at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dagster_playbook.errors import PlatformError
from dagster_playbook.facts.cache import Cache
from dagster_playbook.facts.codec import facts_from
from dagster_playbook.facts.facts import Facts, plain
from dagster_playbook.interpreters.fingerprint import (
    Fingerprints,
    environment_sources,
    file_digest,
    fingerprints,
)
from dagster_playbook.interpreters.interpreter import DISTRIBUTIONS, interpreters
from dagster_playbook.platform.installed import extras_of, pythons_of, versions_of
from dagster_playbook.settings import Settings

if TYPE_CHECKING:
    from dagster_playbook.platform.local_values import LocalPart

Progress = Callable[[str], None]


def load_facts(
    settings: Settings,
    *,
    use_cache: bool = True,
    progress: Progress | None = None,
    meanwhile: Callable[[], None] | None = None,
) -> Facts:
    """Everything that pages can be held to.

    `progress` is told in a few words what takes time; `meanwhile` is called once where this process has nothing to do
    but to wait. Nothing of SQLMesh or Dagster is imported in this process.

    Raises:
        PlatformError: a project, a code location, a command tree or a service's file cannot be read.
    """
    prints = fingerprints(settings)
    cache = Cache(settings.root / settings.cache) if use_cache else None
    if cache and (known := _current(cache.read("facts", prints.total), settings)):
        return facts_from(known["facts"])
    # plain files first: when one of them is wrong, nobody waits for SQLMesh and Dagster to hear it
    from dagster_playbook.platform.local_values import local_part

    local = local_part(settings)
    parts = _Reading(settings, prints, cache, progress or (lambda _: None), meanwhile).parts()
    also = {path: digest for part in parts.values() for path, digest in part.get("also", {}).items()}
    facts = _assemble(settings, _whole(prints.total, also), parts, local)
    if cache and fingerprints(settings) == prints:
        cache.write("facts", prints.total, {"facts": facts.as_dict(), "also": also})
    return facts


def _current(entry: Any, settings: Settings) -> Any | None:
    """The entry, unless a further file that it was read from has changed."""
    if not entry:
        return None
    unchanged = all(file_digest(settings.root / path) == digest for path, digest in entry["also"].items())
    return entry if unchanged else None


def _whole(total: str, also: dict[str, str]) -> str:
    """The fingerprint of the sources that are known beforehand and those that loading has shown."""
    import hashlib

    lines = [total, *(f"{path} {digest}" for path, digest in sorted(also.items()))]
    return hashlib.blake2b("\n".join(lines).encode(), digest_size=16).hexdigest()


@dataclass(frozen=True)
class _Reading:
    """One reading of the parts: each from the cache, or else by a worker, all workers at the same time."""

    settings: Settings
    prints: Fingerprints
    cache: Cache | None
    progress: Progress
    meanwhile: Callable[[], None] | None

    def parts(self) -> dict[str, dict[str, Any]]:
        """What each reader tells, with the further files that it depends on."""
        found = {name: self._kept(name) for name in ("sqlmesh", "dagster", "commands")}
        asked: list[tuple[str, Any]] = []
        with ExitStack() as held:
            try:
                for question in self._ask(found, held):
                    asked.append(question)  # noqa: PERF402 - what was asked before an error has to be known
                if asked and self.meanwhile:
                    self.meanwhile()
                return self._received(found, asked)
            except PlatformError:
                self._discard(asked)
                raise

    def _discard(self, asked: list[tuple[str, Any]]) -> None:
        """End all that were asked: one that was not heard out would answer the next question with this one's answer."""
        from dagster_playbook.workers.workers import POOL

        for _, worker in asked:
            POOL.discard(worker)

    def _ask(self, found: dict[str, Any], held: ExitStack) -> Iterator[tuple[str, Any]]:
        """Send all questions before any answer is awaited; a worker is held until its answers are in."""
        from dagster_playbook.workers.workers import POOL

        trees = self._trees() if found["commands"] is None else {}
        for kind in ("dagster", "sqlmesh", "python"):
            wanted = kind != "python" and found[kind] is None and bool(getattr(self.settings, kind))
            wanted_trees = trees.get(kind, [])
            if not wanted and not wanted_trees:
                continue
            self.progress(f"loading {kind}" if wanted else "reading commands")
            state = getattr(self.prints, "commands" if kind == "python" else kind)
            for index, worker in enumerate(POOL.workers(kind, self.settings, state)):
                held.enter_context(worker.lock)
                if wanted:
                    worker.send("facts")
                    worker.send("files")
                    yield kind, worker
                if index == 0 and wanted_trees:
                    worker.send("commands", wanted_trees)
                    yield "commands", worker
        if own := trees.get("own"):
            worker = POOL.own_worker(self.settings, self.prints.commands)
            held.enter_context(worker.lock)
            worker.send("commands", own)
            yield "commands", worker

    def _trees(self) -> dict[str, list[str]]:
        """Which command tree is asked of whom: where its platform is, and our own of this process's interpreter."""
        trees: dict[str, list[str]] = {}
        for command in self.settings.commands:
            # applications of the project itself need the code location's sys.path
            kind = "dagster" if command.startswith("dagster") or "=" in command else "sqlmesh"
            if command == "playbook" and self._is_elsewhere:
                kind = "own"
            elif not getattr(self.settings, kind):
                kind = "python"
            trees.setdefault(kind, []).append(command)
        return trees

    @property
    def _is_elsewhere(self) -> bool:
        """Whether the platform is loaded in another Python than this one."""
        return any(not interpreter.is_own for interpreter in interpreters(self.settings))

    def _received(self, found: dict[str, Any], asked: list[tuple[str, Any]]) -> dict[str, dict[str, Any]]:
        fresh: dict[str, list[dict[str, Any]]] = {}
        for name, worker in asked:
            fresh.setdefault(name, []).append(self._answer(name, worker))
        # a source that changed while it was read must not be kept under what it was before
        unchanged = fingerprints(self.settings) == self.prints
        for name, answers in fresh.items():
            found[name] = _merged(answers)
            if name == "commands":
                self._settle_commands(found[name]["told"])
            if self.cache and unchanged:
                self.cache.write(name, getattr(self.prints, name), found[name])
        return {name: part or {"told": {}} for name, part in found.items()}

    def _settle_commands(self, told: dict[str, Any]) -> None:
        """Look for commands that the platform's Python does not have in this one, where the site's tools may be."""
        from dagster_playbook.workers.workers import POOL

        tools = [name for name in told["absent"] if name not in DISTRIBUTIONS]
        if tools and self._is_elsewhere:
            again = POOL.own_worker(self.settings, self.prints.commands).ask("commands", tools)
            told["trees"] |= again["trees"]
            told["unread"] = {name: why for name, why in told["unread"].items() if name not in again["trees"]}

    def _answer(self, name: str, worker: Any) -> dict[str, Any]:
        part = {"told": worker.receive()}
        if name != "commands":
            known = worker.receive_files()
            part["also"] = {path: digest for path, digest in known.items() if not self._is_source(path)}
        return part

    def _is_source(self, path: str) -> bool:
        """Whether a file counts in the fingerprint anyway."""
        folders = [project.path for project in self.settings.sqlmesh]
        for location in self.settings.dagster:
            folder = "" if location.working_directory == "." else location.working_directory.strip("/") + "/"
            folders.append(folder + location.module.partition(".")[0])
        return any(path.startswith(f"{folder}/") or path == f"{folder}.py" for folder in folders)

    def _kept(self, name: str) -> dict[str, Any] | None:
        if self.cache is None:
            return None
        entry = self.cache.read(name, getattr(self.prints, name))
        return _current({"also": {}, **entry}, self.settings) if entry else None


def _merged(answers: list[dict[str, Any]]) -> dict[str, Any]:
    """Several projects of one kind as one part: counts are added, lists joined, and a later project's value wins."""
    merged: dict[str, Any] = {"told": {}, "also": {}}
    for answer in answers:
        merged["also"] |= answer.get("also", {})
        for key, value in answer["told"].items():
            known = merged["told"].get(key)
            if isinstance(known, dict) and isinstance(value, dict):
                known.update(_added(known, value) if key == "values" else value)
            elif isinstance(known, list) and isinstance(value, list):
                known.extend(value)
            else:
                merged["told"][key] = value
    return merged


def _added(known: dict[str, Any], further: dict[str, Any]) -> dict[str, Any]:
    added = {}
    for key, value in further.items():
        before = known.get(key)
        if isinstance(before, list) and isinstance(value, list):
            added[key] = sorted({*before, *value})
        else:
            added[key] = before + value if key.endswith(".count") and isinstance(before, int) else value
    return added


def _environment(settings: Settings) -> dict[str, str]:
    """Variables that the platform's own sources read, and those of Dagster that every code location needs."""
    from dagster_playbook.platform.environment_reader import read_environment

    folders = [path.relative_to(settings.root).as_posix() for path in environment_sources(settings)]
    found = read_environment(settings.root, tuple(folders))
    return {"DAGSTER_HOME": "dagster", **found} if settings.dagster else found


def _assemble(settings: Settings, fingerprint: str, parts: dict[str, dict[str, Any]], local: LocalPart) -> Facts:
    sqlmesh, dagster = parts["sqlmesh"]["told"], parts["dagster"]["told"]
    commands = parts["commands"]["told"].get("trees", {})
    versions, unread = versions_of(settings)
    unread |= {**sqlmesh.get("unread", {}), **parts["commands"]["told"].get("unread", {})}
    values = {**sqlmesh.get("values", {}), **dagster.get("values", {}), **local.values}
    origins = {**sqlmesh.get("origins", {}), **dagster.get("origins", {}), **local.origins}
    values |= {f"versions.{name}": version for name, version in versions.items()}
    origins |= {f"versions.{name}": "the installed distributions" for name in versions}
    for name, tree in commands.items():
        values[f"commands.{name}.subcommands.count"] = len(tree["subcommands"])
        origins[f"commands.{name}.subcommands.count"] = f"{name} --help"
    raw = Facts(
        fingerprint=fingerprint,
        versions=versions,
        make_targets=local.make_targets,
        catalogs=local.catalogs,
        refs=local.refs,
        values=dict(sorted(values.items())),
        origins=dict(sorted(origins.items())),
        environment=_environment(settings),
        sources=local.sources | pythons_of(settings),
        unread=unread,
        extras={name: extras_of(name, settings) for name in versions},
    ).as_dict()
    raw |= {"models": sqlmesh.get("models", {}), "commands": commands}
    for name in ("jobs", "ops", "config_types", "assets", "resources", "sensors", "schedules", "system_tags"):
        raw[name] = dagster.get(name, raw[name])
    return facts_from(plain(raw))
