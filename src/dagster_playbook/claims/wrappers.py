"""The command behind a wrapper: `sudo -u x`, `timeout 60`, `docker compose exec`, `uv run`, `ssh host`, `sh -c '...'`.

A wrapper is known by its first words, its options that take a value, and how many words stand before the command.
What nobody here knows of is left as it is.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from dagster_playbook.claims.shell import Word, read_shell


@dataclass(frozen=True, slots=True)
class Wrapper:
    """How a wrapper's line is read.

    Attributes:
        valued: its options that take the next word.
        words: how many words stand between the options and the command (the container, the host, the seconds).
        is_elsewhere: the command runs on another machine or in another environment: other programs, other files.
        is_open: words are added to the command's own.
        after: the command begins behind this word, wherever that stands; "" when it follows directly.
    """

    valued: frozenset[str] = frozenset()
    words: int = 0
    is_elsewhere: bool = False
    is_open: bool = False
    after: str = ""


def _w(valued: str = "", words: int = 0, *, elsewhere: bool = False, is_open: bool = False, after: str = "") -> Wrapper:
    return Wrapper(frozenset(valued.split()), words, elsewhere, is_open, after)


_CONTAINER = (
    "-e --env --env-file -u --user -w --workdir --index --detach-keys -v --volume -p --publish --name --network "
    "--net --entrypoint --mount -h --hostname --platform --label -l --memory -m --cpus --add-host --restart --pull"
)
_COMPOSE = "-f --file -p --project-name --profile --env-file --project-directory"
_UV = (
    "--with --with-editable --with-requirements --python -p --extra --group --only-group --no-group --package "
    "--directory --project --env-file --index --default-index --index-url --from --python-platform --cache-dir"
)
_SSH = "-i -p -l -o -F -J -L -R -D -b -c -e -m -O -Q -S -W -w -E -B -I"

WRAPPERS: dict[tuple[str, ...], Wrapper] = {
    ("sudo",): _w("-u --user -g --group -h --host -p --prompt -C -r -t -T -U -D --chdir -R --chroot"),
    ("doas",): _w("-u -C"),
    ("env",): _w("-u --unset -C --chdir"),
    ("time",): _w("-f --format -o --output"),
    ("nohup",): _w(),
    ("exec",): _w("-a"),
    ("builtin",): _w(),
    ("command",): _w(),
    ("nice",): _w("-n --adjustment"),
    ("ionice",): _w("-c --class -n --classdata"),
    ("chrt",): _w(words=1),
    ("taskset",): _w(words=1),
    ("timeout",): _w("-s --signal -k --kill-after", 1),
    ("gtimeout",): _w("-s --signal -k --kill-after", 1),
    ("stdbuf",): _w("-i --input -o --output -e --error"),
    ("unbuffer",): _w(),
    ("setsid",): _w(),
    ("chronic",): _w(),
    ("caffeinate",): _w("-t -w"),
    ("strace",): _w("-e -o -p -s -u"),
    ("watch",): _w("-n --interval"),
    ("flock",): _w("-w --timeout -E", 1),
    ("xargs",): _w(
        "-I -i -n -P -L -d -a -E -s --max-args --max-procs --delimiter --arg-file --replace --max-lines", is_open=True
    ),
    ("direnv", "exec"): _w(words=1),
    ("dotenv", "run"): _w("-f --file"),
    ("op", "run"): _w(after="--"),
    ("doppler", "run"): _w(after="--"),
    ("aws-vault", "exec"): _w(after="--"),
    ("infisical", "run"): _w(after="--"),
    ("uv", "run"): _w(f"{_UV} -m --module", elsewhere=True),
    ("uv", "tool", "run"): _w(_UV, elsewhere=True),
    ("uvx",): _w(_UV, elsewhere=True),
    ("pipx", "run"): _w("--spec --python --pip-args -i --index-url", elsewhere=True),
    ("poetry", "run"): _w("-C --directory -P --project", elsewhere=True),
    ("pdm", "run"): _w("-p --project -s --site-packages", elsewhere=True),
    ("pipenv", "run"): _w(elsewhere=True),
    ("rye", "run"): _w("-p --pyproject", elsewhere=True),
    ("pixi", "run"): _w("-e --environment --manifest-path", elsewhere=True),
    ("conda", "run"): _w("-n --name -p --prefix --cwd", elsewhere=True),
    ("mamba", "run"): _w("-n --name -p --prefix --cwd", elsewhere=True),
    ("micromamba", "run"): _w("-n --name -p --prefix --cwd", elsewhere=True),
    ("hatch", "run"): _w("-e --env", elsewhere=True),
    ("docker", "exec"): _w(_CONTAINER, 1, elsewhere=True),
    ("docker", "run"): _w(_CONTAINER, 1, elsewhere=True),
    ("podman", "exec"): _w(_CONTAINER, 1, elsewhere=True),
    ("podman", "run"): _w(_CONTAINER, 1, elsewhere=True),
    ("docker", "container", "exec"): _w(_CONTAINER, 1, elsewhere=True),
    ("docker", "container", "run"): _w(_CONTAINER, 1, elsewhere=True),
    ("compose", "exec"): _w(_CONTAINER, 1, elsewhere=True),
    ("compose", "run"): _w(_CONTAINER, 1, elsewhere=True),
    ("kubectl", "exec"): _w(elsewhere=True, after="--"),
    ("kubectl", "run"): _w(elsewhere=True, after="--"),
    ("oc", "exec"): _w(elsewhere=True, after="--"),
    ("ssh",): _w(_SSH, 1, elsewhere=True),
}
#: programs whose first options belong to themselves, before the word that makes them a wrapper
_OWN_OPTIONS = {
    "compose": _COMPOSE,
    "kubectl": "-n --namespace --context --kubeconfig -c",
    "oc": "-n --namespace --context",
    "uv": _UV,
    "poetry": "-C --directory -P --project",
    "hatch": "-e --env",
    "dotenv": "-f --file -e --export -q --quote",
}
_PYTHON = re.compile(r"(?:python(?:\d(?:\.\d+)?)?|py|pypy3?)(?:\.exe)?")
_SHELLS = frozenset("sh bash zsh dash ksh fish su".split())


@dataclass(frozen=True, slots=True)
class Unwrapped:
    """The words of the command behind all wrappers; none when the line holds no command that could be read."""

    words: tuple[Word, ...]
    is_elsewhere: bool = False
    is_open: bool = False


def unwrapped(words: Sequence[Word]) -> Unwrapped:
    """Take wrappers off until a command is left."""
    found = Unwrapped(tuple(words))
    while found.words:
        inner = _inner(found.words)
        if inner is None:
            return found
        found = Unwrapped(inner.words, found.is_elsewhere or inner.is_elsewhere, found.is_open or inner.is_open)
    return found


def nested(words: Sequence[Word]) -> list[tuple[Word, ...]]:
    """The commands in the text that `sh -c '...'` runs, each with the place of its words on the page."""
    program = _name(words[0]) if words else ""
    if program not in _SHELLS and program != "eval":
        return []
    for flag, word in pairwise(words):
        is_text = program == "eval" or re.fullmatch(r"-[a-z]*c", flag.text) or flag.text == "--command"
        if is_text and word.is_known and " " in word.text:
            return _commands_in(word)
    return []


def remote_text(words: Sequence[Word]) -> list[tuple[Word, ...]]:
    """`ssh host 'cd x && y'` and `docker exec c 'x y'`: the commands in a single word that holds several."""
    return _commands_in(words[0]) if len(words) == 1 and words[0].is_known and " " in words[0].text.strip() else []


def _commands_in(word: Word) -> list[tuple[Word, ...]]:
    is_plain = word.end_column - word.column == len(word.text) + 2
    found = read_shell(word.text)
    if found.errors:
        return []
    return [tuple(_placed(inner, word, is_plain=is_plain) for inner in command.words) for command in found.commands]


def _placed(inner: Word, outer: Word, *, is_plain: bool) -> Word:
    if not is_plain or inner.line != 1:
        return replace(inner, line=outer.line, column=outer.column, end_column=outer.end_column)
    shift = outer.column
    return replace(inner, line=outer.line, column=inner.column + shift, end_column=inner.end_column + shift)


def _inner(words: tuple[Word, ...]) -> Unwrapped | None:
    if _PYTHON.fullmatch(_name(words[0])):
        return _module(words)
    heads = _heads(words)
    for names, rest in heads:
        wrapper = WRAPPERS.get(names)
        if wrapper is not None:
            return _behind(wrapper, names, rest)
    return None


def _heads(words: tuple[Word, ...]) -> list[tuple[tuple[str, ...], tuple[Word, ...]]]:
    """The first words, options of their own left out: (names, the words behind them), the longest names first."""
    program = _name(words[0])
    names, rest = [program], list(words[1:])
    if program in ("docker-compose", "podman-compose"):
        names = ["compose"]
    if program in ("docker", "podman") and rest and rest[0].text == "compose":
        names, rest = ["compose"], rest[1:]
    found = [(tuple(names), tuple(rest))]
    while rest and len(names) < 3:
        rest = list(_without_options(tuple(rest), frozenset(_OWN_OPTIONS.get(names[0], "").split())))
        if not rest or not re.fullmatch(r"[a-z]+", rest[0].text):
            break
        names, rest = [*names, rest[0].text], rest[1:]
        found.insert(0, (tuple(names), tuple(rest)))
    return found


def _behind(wrapper: Wrapper, names: tuple[str, ...], rest: tuple[Word, ...]) -> Unwrapped:
    flags = [word.text for word in rest]
    if wrapper.after:
        start = flags.index(wrapper.after) + 1 if wrapper.after in flags else len(rest)
        return Unwrapped(rest[start:], wrapper.is_elsewhere)
    if names == ("command",) and flags[:1] in (["-v"], ["-V"]):
        return Unwrapped(())
    is_module = names[-1] == "run" and any(flag in ("-m", "--module") for flag in flags[:1])
    begin = rest[1:] if is_module else _without_options(rest, wrapper.valued)
    inner = tuple(begin[wrapper.words :])
    if inner and inner[0].text == "--":
        inner = inner[1:]
    return Unwrapped(_bare(inner, names), wrapper.is_elsewhere, wrapper.is_open)


def _bare(words: tuple[Word, ...], names: tuple[str, ...]) -> tuple[Word, ...]:
    """The program without what its runner reads of it: `ruff@latest` of uvx, `test:sqlmesh` of hatch."""
    if not words:
        return words
    first = words[0]
    if names[0] in ("uvx", "uv", "pipx"):
        first = replace(first, text=re.split(r"@|==|\[", first.text)[0] or first.text)
    if names[0] == "hatch":
        first = replace(first, text=first.text.rsplit(":", 1)[-1])
    return (first, *words[1:])


def _without_options(words: tuple[Word, ...], valued: frozenset[str]) -> tuple[Word, ...]:
    """The words from the first one that is neither an option, nor its value, nor an assignment."""
    while words:
        text = words[0].text
        if text == "--":
            return words[1:]
        if text.startswith("-") and len(text) > 1:
            words = words[2:] if _takes_next(text, valued) else words[1:]
        elif re.match(r"[A-Za-z_]\w*=(?!=)", text):
            words = words[1:]
        else:
            break
    return words


def _takes_next(option: str, valued: frozenset[str]) -> bool:
    """`-u` takes the next word, `-nu` too; `-oL` has its value with it."""
    letters = "" if option.startswith("--") else option[1:]
    takes = [f"-{letter}" in valued for letter in letters]
    return option in valued or (len(letters) > 1 and takes[-1] and not any(takes[:-1]))


def _module(words: tuple[Word, ...]) -> Unwrapped | None:
    """`python -X dev -m sqlmesh plan` is about sqlmesh; a script or -c is not."""
    for place, word in enumerate(words[1:], 1):
        if word.text == "-m":
            return Unwrapped(words[place + 1 :], is_elsewhere=True)
        if not word.text.startswith("-") and words[place - 1].text not in ("-X", "-W"):
            return None
    return None


def _name(word: Word) -> str:
    return word.text.rsplit("/", 1)[-1].removesuffix(".exe")
