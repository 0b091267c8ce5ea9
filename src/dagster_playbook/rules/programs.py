"""Programs that commands on a page may name, and where on the machine a block's commands stand."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from posixpath import dirname, join, normpath

from dagster_playbook.claims.shell import Word
from dagster_playbook.claims.wrappers import WRAPPERS
from dagster_playbook.findings import Finding
from dagster_playbook.rules.world import World

#: programs that documentation may name without a command tree of ours: the shell's own and the usual tools
STANDARD_PROGRAMS = frozenset(
    """. [ alias apt apt-get awk aws basename bash brew bunzip2 bzip2 cat cd chmod chown cp curl cut date
    deactivate df diff dirname docker docker-compose du echo env eval exec exit export false find fold gcloud
    bq gsutil gh git grep gunzip gzip head helm id install ip java javac jq kill kubectl less ln ls lsof man
    mkdir mktemp mv mvn nc node npm npx open openssl pip pip3 pipx pkill pnpm poetry printenv printf ps psql
    pwd pyenv pytest python python3 read rg rm rmdir rsync ruff mypy scp sed seq set sh sha256sum shasum sleep
    sort source split ssh ssh-add ssh-keygen sudo tail tar tee terraform test time timeout tmux top touch tr
    trap true tty type uname uniq unset unzip uv uvx virtualenv wait watch wc wget which xargs yarn yq zip zsh
    trino pre-commit hatch twine yes nice nohup doas su command builtin stdbuf setsid ionice flock strace pushd
    popd screen systemctl journalctl service crontab at dig host ping nslookup netstat ss hostname whoami groups
    useradd usermod chsh dpkg rpm yum dnf apk pacman snap choco winget scoop conda mamba micromamba pixi pdm rye
    pipenv tox nox podman oc k9s minikube kind skaffold stat file strings xxd od base64 md5sum cmp comm join
    paste nl tac rev shuf tsort column expand factor bc expr let local declare typeset return shift break
    continue umask ulimit hash history jobs fg bg disown suspend dirs getopts readonly mapfile printenv vi vim
    nano emacs code make cmake gcc go cargo rustc rustup bun deno mysql sqlite3 duckdb redis-cli mongosh""".split()
)
_SUBCOMMANDS = {
    "docker": ("compose", "exec", "run", "container"),
    "podman": ("compose", "exec", "run"),
    "docker-compose": ("exec", "run", "up"),
    "kubectl": ("exec", "run"),
}


def has_own_makefile(page: str, world: World) -> bool:
    """Whether a folder between the project's root and the page has a Makefile, whose targets a page below it means."""
    folder = dirname(page)
    while folder:
        if world.files.exists(f"{folder}/Makefile"):
            return True
        folder = dirname(folder)
    return False


def programs_of(world: World) -> Mapping[str, Collection[str]]:
    """Programs that are known to the platform or wrap others, to their sub-commands."""
    wrappers: dict[str, set[str]] = {}
    for names in WRAPPERS:
        if len(names) > 1:
            wrappers.setdefault(names[0], set()).add(names[1])
    trees = {name: frozenset(tree.subcommands) for name, tree in world.facts.commands.items()}
    return {**wrappers, **_SUBCOMMANDS, **trees}


@dataclass(slots=True)
class Whereabouts:
    """The folders of the project that the commands of a block went into; `is_lost` when nobody can say where."""

    world: World
    folders: list[str] = field(default_factory=list)
    is_lost: bool = False

    def follow(self, words: Sequence[Word]) -> None:
        """Go where a command goes."""
        if not words or words[0].text not in ("cd", "pushd"):
            return
        folder = words[1].text if len(words) > 1 else "~"
        here = self.folders[-1] if self.folders else ""
        target = normpath(join(here, folder))
        if len(words) > 1 and words[1].is_known and (target == "." or self.world.files.exists(target)):
            self.folders.append("" if target == "." else target)
        else:
            self.is_lost = True

    def kept(self, found: Iterable[Finding], words: Sequence[Word], *, is_elsewhere: bool) -> list[Finding]:
        """The findings that hold from where the commands stand: paths and make targets are seen from there."""
        is_away = is_elsewhere or self.is_lost
        other_makefile = any(re.match(r"-C|-f|--directory|--file|--makefile", word.text) for word in words[1:])
        dropped = set()
        if is_away or other_makefile or any(self.folders):
            dropped.add("SH607")
        return [
            finding
            for finding in found
            if finding.rule not in dropped
            and not (finding.rule in ("SH608", "RB421") and (is_away or self._is_below(finding.subject)))
        ]

    def _is_below(self, path: str) -> bool:
        return any(self.world.files.exists(normpath(join(folder, path))) for folder in self.folders)
