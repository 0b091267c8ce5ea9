"""An environment with other releases of some packages, over the project's own: what an upgrade would be loaded in."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from dagster_playbook.durable import write_whole
from dagster_playbook.errors import PlatformError, on_disk
from dagster_playbook.facts.cache import make_folder
from dagster_playbook.interpreters.interpreter import Interpreter, interpreter_for
from dagster_playbook.settings import CodeLocation, Settings, SqlmeshProject

#: what may be asked for: a distribution, its extras, and a version of it
REQUIREMENT = re.compile(
    r"[A-Za-z0-9][\w.-]*(?:\[[\w.,-]+\])?(?:(?:==|>=|<=|~=|<|>|!=)[\w.*+!-]+(?:,[<>=!~]+[\w.*+!-]+)*)?"
)
#: how long making the environment may take
INSTALL_TIMEOUT_S = 900


def upgrade_environment(settings: Settings, wanted: Sequence[str], tell: Callable[[str], None]) -> Path:
    """The folder of an environment that has `wanted` and, behind it, everything that the project has.

    It is made once for the same requirements; nothing of the project's own environment is changed.

    Raises:
        PlatformError: a requirement is none, or the package index does not give it.
    """
    for requirement in wanted:
        if not REQUIREMENT.fullmatch(requirement):
            raise PlatformError(f"{requirement!r} is no requirement", cure="write it as dagster==1.13.*")
    projects: tuple[SqlmeshProject | CodeLocation, ...] = (*settings.sqlmesh, *settings.dagster)
    base = interpreter_for(settings, projects[0] if projects else None)
    key = hashlib.blake2b("\n".join([base.path, base.version, *sorted(wanted)]).encode(), digest_size=8).hexdigest()
    home = settings.root / ".playbook" / "with"
    folder = home / key
    if not (folder / "ready").exists():
        tell(f"installing {', '.join(wanted)}")
        with on_disk("the environment cannot be made", home, PlatformError):
            make_folder(home)
            shutil.rmtree(folder, ignore_errors=True)
        _make(folder, base, wanted)
    return folder


def _make(folder: Path, base: Interpreter, wanted: Sequence[str]) -> None:
    uv = shutil.which("uv", path=os.pathsep.join((str(Path(sys.executable).parent), os.environ.get("PATH", ""))))
    python = str(folder / "bin" / "python")
    if uv:
        commands = [
            [uv, "venv", "--quiet", "--python", base.path, str(folder)],
            [uv, "pip", "install", "--quiet", "--python", python, *wanted],
        ]
    else:
        commands = [[base.path, "-m", "venv", str(folder)], [python, "-m", "pip", "install", "--quiet", *wanted]]
    for command in commands:
        try:
            done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=INSTALL_TIMEOUT_S)
        except (OSError, subprocess.TimeoutExpired) as error:
            raise PlatformError(f"the environment cannot be made: {error}", cure="try again") from error
        if done.returncode:
            told = [line.strip() for line in done.stderr.splitlines() if line.strip()] or ["no reason given"]
            message = f"{', '.join(wanted)} cannot be installed: {told[-1]}"
            raise PlatformError(message, cure="name releases that the package index has and that go together")
    # behind what was installed stands the project's own environment, with what its .pth files add
    own = [path for path in base.folders if path.endswith("-packages")]
    lines = "import site; " + "; ".join(f"site.addsitedir({path!r})" for path in own)
    with on_disk("the environment cannot be made", folder, PlatformError):
        write_whole(next(folder.glob("lib/python3*/site-packages")) / "zz_project.pth", lines + "\n", mode=0o644)
        write_whole(folder / "ready", "\n")
