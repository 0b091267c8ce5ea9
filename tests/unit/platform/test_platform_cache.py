"""The cache is never needed and never believed: whatever is on disk, the facts are the platform's."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dagster_playbook.facts import cache as cache_module
from dagster_playbook.facts.cache import Cache
from dagster_playbook.facts.facts import Facts
from dagster_playbook.platform.loader import load_facts
from dagster_playbook.settings import Settings

DOCUMENT = {"a": [1, 2.5, None, True], "b": {"ä": "ö"}}


def test_what_was_written_is_read(tmp_path: Path) -> None:
    """A document comes back as it went in."""
    cache = Cache(tmp_path / "new" / "folder")
    assert cache.write("facts", "k", DOCUMENT)
    assert cache.read("facts", "k") == DOCUMENT


def test_git_leaves_the_cache_out(tmp_path: Path) -> None:
    """A project that adds all its files adds no entry of the cache."""
    subprocess.run(["git", "init", "--quiet", str(tmp_path)], check=True)
    Cache(tmp_path / "cache").write("facts", "k", DOCUMENT)
    told = subprocess.run(["git", "status", "--short"], cwd=tmp_path, check=True, capture_output=True, text=True)
    assert told.stdout == ""


def test_an_entry_is_none_under_another_key_or_kind(tmp_path: Path) -> None:
    """A file that was renamed, or copied from another project, does not answer for what it is not."""
    cache = Cache(tmp_path)
    cache.write("facts", "k", DOCUMENT)
    shutil.copy(tmp_path / "facts-k.json", tmp_path / "facts-other.json")
    shutil.copy(tmp_path / "facts-k.json", tmp_path / "answers-k.json")
    assert (cache.read("facts", "other"), cache.read("answers", "k"), cache.read("facts", "none")) == (None, None, None)


@settings(max_examples=60)
@given(data=st.data())
def test_a_damaged_entry_is_as_good_as_none(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    """Cut short, or with any byte changed, an entry is not read."""
    folder = tmp_path_factory.mktemp("damaged")
    cache = Cache(folder)
    cache.write("facts", "k", DOCUMENT)
    path = folder / "facts-k.json"
    content = bytearray(path.read_bytes())
    place = data.draw(st.integers(0, len(content) - 1))
    if data.draw(st.booleans()):
        content = content[:place]
    else:
        content[place] ^= data.draw(st.integers(1, 255))
    path.write_bytes(bytes(content))
    assert cache.read("facts", "k") is None


@pytest.mark.parametrize("foreign", [b"", b"{}", b"\x00" * 100, b"playbook-cache-1 facts k 00\n{}", b"[" * 100_000])
def test_a_foreign_file_is_as_good_as_none(tmp_path: Path, foreign: bytes) -> None:
    """What another program, or another version, has left there is not read."""
    (tmp_path / "facts-k.json").write_bytes(foreign)
    assert Cache(tmp_path).read("facts", "k") is None


def test_a_folder_that_cannot_be_one_is_no_error(tmp_path: Path) -> None:
    """A file where the folder should be: nothing is kept, and nothing breaks."""
    (tmp_path / "file").write_text("x", encoding="utf-8")
    cache = Cache(tmp_path / "file" / "cache")
    assert cache.write("facts", "k", DOCUMENT) is False
    assert cache.read("facts", "k") is None


def test_a_full_disk_leaves_the_old_entry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An entry is replaced whole or not at all, and nothing half-written stays."""
    cache = Cache(tmp_path)
    cache.write("facts", "k", DOCUMENT)

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    assert cache.write("facts", "k", {"other": 1}) is False
    assert cache.read("facts", "k") == DOCUMENT
    assert sorted(path.name for path in tmp_path.iterdir()) == [".gitignore", "facts-k.json"]


def test_only_the_newest_entries_stay(tmp_path: Path) -> None:
    """A cache does not grow with the number of states that a project has been in."""
    cache = Cache(tmp_path)
    for number in range(cache_module.KEPT + 3):
        cache.write("facts", f"k{number}", number)
        os.utime(tmp_path / f"facts-k{number}.json", ns=(number, number))
    cache.write("answers", "k0", 0)
    cache.write("facts", "last", 0)
    assert len(list(tmp_path.glob("facts-*.json"))) == cache_module.KEPT
    assert cache.read("facts", "last") == 0
    assert cache.read("answers", "k0") == 0


WRITE_OFTEN = """
import sys
from pathlib import Path
from dagster_playbook.facts.cache import Cache
for number in range(60):
    Cache(Path(sys.argv[1])).write("facts", "k", {"writer": sys.argv[2], "text": str(number) * 5000})
"""


def test_writers_at_the_same_time_leave_a_whole_entry(tmp_path: Path) -> None:
    """Two checks at once: a reader sees one document or the other, never a mixture."""
    cache = Cache(tmp_path)
    cache.write("facts", "k", {"writer": "0", "text": "0" * 5000})
    writers = [subprocess.Popen([sys.executable, "-c", WRITE_OFTEN, str(tmp_path), name]) for name in "12"]
    seen = []
    while any(writer.poll() is None for writer in writers):
        seen.append(cache.read("facts", "k"))
    assert [writer.wait() for writer in writers] == [0, 0]
    assert all(entry is not None and len(entry["text"]) % 5000 == 0 for entry in seen)
    assert cache.read("facts", "k")["writer"] in "12"


@pytest.mark.parametrize("state", ["corrupt", "foreign", "a file in its place"])
def test_the_facts_do_not_depend_on_the_cache(
    sample_settings: Settings, sample_facts: Facts, tmp_path: Path, state: str
) -> None:
    """Whatever the cache holds, the platform is read again and says the same."""
    folder = tmp_path / "cache"
    if state == "a file in its place":
        folder.write_text("x", encoding="utf-8")
    else:
        shutil.copytree(sample_settings.root / sample_settings.cache, folder)
        for path in folder.iterdir():
            path.write_bytes(path.read_bytes()[:-20] if state == "corrupt" else json.dumps({"facts": {}}).encode())
    assert load_facts(replace(sample_settings, cache=str(folder))) == sample_facts


def test_a_file_that_loading_has_shown_counts(sample_settings: Settings, sample_facts: Facts, tmp_path: Path) -> None:
    """A module beside the code location's package is no source that is known beforehand, yet its change is seen."""
    root = tmp_path / "copy"
    shutil.copytree(sample_settings.root, root, ignore=shutil.ignore_patterns(".playbook"))
    (root / "location" / "beside.py").write_text("SCHEDULE = 'nightly'\n", encoding="utf-8")
    definitions = root / "location" / "sample_location" / "definitions.py"
    text = definitions.read_text(encoding="utf-8").replace('name="nightly"', "name=beside.SCHEDULE")
    definitions.write_text(
        text.replace("import dagster as dg\n", "import beside\nimport dagster as dg\n", 1), encoding="utf-8"
    )
    copied = replace(sample_settings, root=root.resolve(), sqlmesh=(), commands=())
    first = load_facts(copied)
    (root / "location" / "beside.py").write_text("SCHEDULE = 'weekly_'\n", encoding="utf-8")
    second = load_facts(copied)
    assert (first.schedules, second.schedules) == (("nightly",), ("weekly_",))
    assert first.fingerprint != second.fingerprint
