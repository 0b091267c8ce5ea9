"""The platform is loaded in the project's own Python; one that cannot be used is one error with its cure."""

from __future__ import annotations

import ast
import io
import json
import os
import subprocess
import sys
import sysconfig
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from dagster_playbook.errors import PlatformError
from dagster_playbook.interpreters import bootstrap, interpreter, interpreter_probe
from dagster_playbook.interpreters.environments import candidates
from dagster_playbook.interpreters.interpreter import interpreter_for
from dagster_playbook.platform.loader import load_facts
from dagster_playbook.settings import Settings, SqlmeshProject, load_settings
from dagster_playbook.workers import worker
from dagster_playbook.workers.workers import POOL, WorkerPool

SOURCES = Path(worker.__file__).parents[1]
#: what the project's Python has when it has the platform
PLATFORM = {"dagster", "dagster_shared", "sqlmesh", "sqlglot", "click", "yaml", "pydantic", "ruamel"}


@pytest.fixture(autouse=True)
def _nothing_activated(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("VIRTUAL_ENV", "CONDA_PREFIX", "UV_PROJECT_ENVIRONMENT"):
        monkeypatch.delenv(variable, raising=False)


def _environment(folder: Path, **modules: str) -> Path:
    """An environment of its own that sees the packages of this one, behind modules of its own."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    packages = next(folder.glob("lib/python3*/site-packages"))
    (packages / "borrowed.pth").write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")
    for name, text in modules.items():
        (packages / f"{name}.py").write_text(text, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def noisy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _environment(tmp_path_factory.mktemp("noisy") / "env", sitecustomize="print('noise')\nprint('{}')\n")


@pytest.fixture(scope="module")
def pool() -> Iterator[WorkerPool]:
    made = WorkerPool()
    yield made
    made.close()
    POOL.close()


def _script(folder: Path, text: str) -> Path:
    path = folder / "python"
    path.write_text(text, encoding="utf-8")
    path.chmod(0o755)
    return path


def _named(root: Path, python: str) -> Settings:
    (root / "pyproject.toml").write_text(f'[tool.playbook]\nstrict = true\npython = "{python}"\n', encoding="utf-8")
    return load_settings(root)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (None, "there is no interpreter"),
        ("#!/bin/sh\nexec tail -f /dev/null\n", "did not say what it is within"),
        ("#!/bin/sh\necho hello\n", "is no Python that can be asked: hello"),
        ("#!/nowhere/python\n", "does not start"),
        ("OLD", "is Python 3.8.1, which is too old: 3.10 is the oldest"),
    ],
    ids=["gone", "hangs", "no Python", "broken link", "too old"],
)
def test_an_interpreter_that_cannot_be_used_is_one_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str | None, words: str
) -> None:
    """Each is told at the line of the settings that names it, with a cure."""
    monkeypatch.setattr(interpreter_probe, "PROBE_TIMEOUT_S", 0.5 if text and "tail" in text else 20.0)
    old = f"#!{sys.executable}\nimport runpy, sys\nsys.version_info = (3, 8, 1)\nsys.argv = sys.argv[1:]\n"
    if text:
        run = "sys.path.insert(0, '')\nrunpy.run_path(sys.argv[0], run_name='__main__')\n"
        _script(tmp_path, old + run if text == "OLD" else text)
    with pytest.raises(PlatformError) as caught:
        interpreter_for(_named(tmp_path, "./python"))
    assert words in caught.value.message
    assert (caught.value.path, caught.value.line) == ("pyproject.toml", 3)
    assert caught.value.cure


def test_facts_of_another_interpreter_are_the_same(sample_copy: Callable[[], Settings], noisy: Path) -> None:
    """With the same packages another Python says the same of a project, whatever it prints when it starts."""
    copied = replace(sample_copy(), sqlmesh=(), commands=("shopctl=sample_location.tool:cli", "playbook"))
    own, other = (load_facts(each, use_cache=False) for each in (copied, replace(copied, python=str(noisy))))
    assert "noise" not in str(other.as_dict())
    assert (other.jobs, other.config_types, other.values) == (own.jobs, own.config_types, own.values)
    assert list(other.commands) == ["shopctl", "playbook"]
    assert other.sources["python"].startswith("Python 3.")


@pytest.mark.parametrize(
    ("modules", "words"),
    [
        ({"dagster_shared": "raise ModuleNotFoundError('no shared', name='dagster_shared')\n"}, "no shared"),
        ({"dagster": "raise ModuleNotFoundError('none', name='dagster')\n"}, "Dagster is not installed for Python"),
    ],
    ids=["a half", "none"],
)
def test_a_platform_that_is_not_whole_is_one_error(
    sample_copy: Callable[[], Settings], tmp_path: Path, pool: WorkerPool, modules: dict[str, str], words: str
) -> None:
    """It names Dagster, the Python that lacks it and the cure; nothing is taken from another Python."""
    env = _environment(tmp_path / "env", **modules)
    with pytest.raises(PlatformError, match=words) as caught:
        pool.workers("dagster", replace(sample_copy(), python=str(env)), "a")[0].ask("facts")
    assert "of env/" in caught.value.message
    assert caught.value.cure


def test_a_project_s_own_interpreter_comes_before_that_of_the_settings(tmp_path: Path, noisy: Path) -> None:
    """Two projects of one repository may have one each."""
    settings = replace(_named(tmp_path, "gone"), sqlmesh=(SqlmeshProject(".", python=str(noisy)),))
    assert interpreter_for(settings, settings.sqlmesh[0]).prefix == str(noisy)


def test_without_a_platform_anywhere_all_places_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who reads the error knows where was looked, and how to name the right one."""
    monkeypatch.setattr(interpreter, "platforms_of_own", tuple)
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(tmp_path / ".venv")], check=True)
    settings = Settings(tmp_path, sqlmesh=(SqlmeshProject("."),))
    with pytest.raises(PlatformError, match=r"\.venv: Python 3\.\S+ without sqlmesh; the one that runs") as caught:
        interpreter_for(settings)
    assert "python = " in caught.value.cure


def test_an_interpreter_is_asked_again_when_something_was_installed(
    tmp_path: Path, noisy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it said is kept, and only as long as its folders of packages are as they were."""
    settings = _named(tmp_path, str(noisy))
    monkeypatch.setattr(interpreter, "_KNOWN", {})
    first = interpreter_for(settings)
    monkeypatch.setattr(interpreter, "_KNOWN", {})
    monkeypatch.setattr(interpreter_probe, "ask", lambda *_: pytest.fail("it was asked again"))
    assert interpreter_for(settings) == first
    packages = next(noisy.glob("lib/python3*/site-packages"))
    os.utime(packages, ns=(1, 1))
    with pytest.raises(pytest.fail.Exception, match="asked again"):
        interpreter_for(settings)


@pytest.mark.parametrize(
    ("made", "variables", "found"),
    [
        ([".venv"], {}, [".venv"]),
        ([".venv", "other"], {"VIRTUAL_ENV": "other"}, ["VIRTUAL_ENV", ".venv"]),
        ([".venv", "other"], {"CONDA_PREFIX": "other"}, ["CONDA_PREFIX", ".venv"]),
        ([".venv", "other"], {"CONDA_PREFIX": "other", "CONDA_DEFAULT_ENV": "base"}, [".venv"]),
        (["other", "venv"], {"UV_PROJECT_ENVIRONMENT": "other"}, ["UV_PROJECT_ENVIRONMENT", "venv"]),
        ([".pixi/envs/default"], {}, [".pixi/envs/default"]),
        (["../.venv"], {}, [".venv of repository/"]),
        (["../../.venv"], {}, []),
        (["../cache/shop-dWH8crTg-py3.11"], {"POETRY_VIRTUALENVS_PATH": "../cache"}, []),
        (["POETRY"], {"POETRY_VIRTUALENVS_PATH": "../cache"}, ["poetry's environment"]),
        (["../conda/shop"], {"HOME": "../home"}, ["the conda environment of environment.yml"]),
    ],
)
def test_environments_are_found_in_one_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, made: list[str], variables: dict[str, str], found: list[str]
) -> None:
    """The activated one, those of the folder and of the repository above it, then poetry's and conda's."""
    import base64
    import hashlib

    root = tmp_path / "repository" / "project"
    for folder in (root, root.parent / ".git", root.parent / "home" / ".conda"):
        folder.mkdir(parents=True)
    (root / "pyproject.toml").write_text('[tool.poetry]\nname = "Shop"\n', encoding="utf-8")
    (root / "environment.yml").write_text("name: shop\n", encoding="utf-8")
    (root.parent / "home/.conda/environments.txt").write_text(f"/x/y\n{root}/../conda/shop\n", encoding="utf-8")
    digest = base64.urlsafe_b64encode(hashlib.sha256(str(root).encode()).digest()).decode()[:8]
    for name in made:
        folder = root / (f"../cache/shop-{digest}-py3.12" if name == "POETRY" else name)
        (folder / "bin").mkdir(parents=True)
        (folder / "bin" / "python").touch()
    for name, value in variables.items():
        monkeypatch.setenv(name, value if name == "CONDA_DEFAULT_ENV" else str(root / value))
    assert [candidate.found for candidate in candidates(root)] == found


def test_the_tool_s_own_environment_says_nothing_of_the_project(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A hook's environment is activated when the hook runs: it is not what the project runs in."""
    monkeypatch.setenv("VIRTUAL_ENV", sys.prefix)
    assert list(candidates(tmp_path)) == []


def _of_the_worker() -> dict[str, ast.Module]:
    """Every module of this package that a worker may import, by name."""
    waiting, found = ["platform.bootstrap", "platform.nursery", "platform.worker"], {}
    while waiting:
        name = waiting.pop()
        path = SOURCES / (name.replace(".", "/") + ".py")
        if name in found or not path.is_file():
            continue
        found[name] = ast.parse(path.read_text(encoding="utf-8"), feature_version=bootstrap.OLDEST)
        for node in ast.walk(found[name]):
            if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("dagster_playbook."):
                inner = node.module.removeprefix("dagster_playbook.")
                waiting += [inner, *(f"{inner}.{alias.name}" for alias in node.names)]
    return found


def test_a_worker_needs_nothing_but_python_and_the_platform() -> None:
    """The project's Python has no package of ours, and may be as old as we say."""
    wanted = set()
    for tree in _of_the_worker().values():
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                wanted |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                wanted.add(node.module.partition(".")[0])
    assert wanted - sys.stdlib_module_names - {"dagster_playbook"} <= PLATFORM


def test_no_module_beside_the_first_file_has_a_name_of_python_s_own() -> None:
    """An interpreter looks beside its first file until that file has said otherwise."""
    beside = {path.stem for path in Path(bootstrap.__file__).parent.glob("*.py")}
    assert not beside & sys.stdlib_module_names


def test_a_worker_of_another_protocol_says_so() -> None:
    """A worker and whoever asks it come from one release; when they do not, nothing is misread."""
    line = json.dumps({"protocol": bootstrap.PROTOCOL + 1, "root": "/", "environment": {}, "project": None})
    with pytest.raises(SystemExit, match="speaks protocol"):
        worker.serve("dagster", io.BytesIO(line.encode() + b"\n"), io.BytesIO())


def test_a_command_tree_that_cannot_be_read_is_told_in_the_facts(tmp_path: Path) -> None:
    """The check goes on without it, and knows why."""
    facts = load_facts(Settings(tmp_path, commands=("x=nosuchmodule:cli",)), use_cache=False)
    assert facts.commands == {}
    assert "nosuchmodule does not import" in facts.unread["x"]


@pytest.mark.parametrize("name", ["/x", "a/b", "[x", "**"])
def test_a_name_of_poetry_is_no_path_and_no_pattern(tmp_path: Path, name: str) -> None:
    """Whatever a pyproject.toml calls the project, its environments are looked for, and nothing is raised."""
    (tmp_path / "pyproject.toml").write_text(f"[tool.poetry]\nname = {json.dumps(name)}\n")
    assert isinstance(list(candidates(tmp_path)), list)
