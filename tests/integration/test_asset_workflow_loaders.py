"""The generated modules read their sources with the real loaders: each file format, and REST answers."""

from __future__ import annotations

import http.server
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import parquet

from dagster_playbook.scaffold import files
from dagster_playbook.scaffold.asset import new_asset
from dagster_playbook.scaffold.layout import Layout, TableName, layout_of
from dagster_playbook.scaffold.sources import Kind, Source, read_source
from dagster_playbook.settings import load_settings

ROOT = Path(__file__).resolve().parents[2]
RECORDS = [{"id": n, "note": f"n{n}", "score": n / 2} for n in range(6)]
#: prints the rows of every generated source as JSON
READ_ALL = """
import importlib, json, sys
found = {}
for name in sys.argv[1:]:
    module = importlib.import_module(f"oso_dagster.sources.{name}")
    found[name] = sorted(list(row) for row in module.rows())
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def layout(tmp_path_factory: pytest.TempPathFactory) -> Layout:
    """A copy of the warehouse."""
    root = tmp_path_factory.mktemp("loaders")
    shutil.copytree(ROOT / "warehouse", root / "warehouse", ignore=shutil.ignore_patterns("__pycache__", ".*", "logs"))
    shutil.copy(ROOT / "pyproject.toml", root)
    return layout_of(load_settings(root))


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """A REST endpoint whose answer is the list itself."""
    content = json.dumps(RECORDS).encode()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/list"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(scope="module")
def rows(layout: Layout, url: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Any]]:
    """The rows that each generated module yields, read in one process."""
    data = tmp_path_factory.mktemp("exports")
    (data / "a.csv").write_text("id,note,score\n" + "".join(f"{r['id']},{r['note']},{r['score']}\n" for r in RECORDS))
    (data / "a.jsonl").write_text("\n".join(map(json.dumps, RECORDS)))
    (data / "a.json").write_text(json.dumps(RECORDS))
    (data / "b.json").write_text(json.dumps({"result": {"items": RECORDS}}))
    for part in range(2):
        (data / f"part-{part}.jsonl").write_text("\n".join(map(json.dumps, RECORDS[part::2])))
    parquet.write_table(pa.Table.from_pylist(RECORDS), data / "a.parquet")
    sources: dict[str, tuple[Kind, str]] = {
        "csv": ("files", f"{data}/a.csv"),
        "jsonl": ("files", f"{data}/a.jsonl"),
        "glob": ("files", f"{data}/part-*.jsonl"),
        "json": ("files", f"{data}/a.json"),
        "inner": ("files", f"{data}/b.json"),
        "parquet": ("files", f"{data}/a.parquet"),
        "list": ("rest", url),
    }
    for table, (kind, address) in sources.items():
        source, sample = read_source(Source(kind, address))
        files.write(layout.root, new_asset(layout, TableName("kinds", table), source, sample))
    names = [f"kinds__{table}" for table in sources]
    done = subprocess.run(
        [sys.executable, "-c", READ_ALL, *names], capture_output=True, text=True, timeout=120, check=False,
        env={**os.environ, "PYTHONPATH": str(layout.root / "warehouse")},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found: dict[str, list[Any]] = json.loads(done.stdout.splitlines()[-1])
    return found


@pytest.mark.parametrize("table", ["csv", "jsonl", "glob", "json", "inner", "parquet", "list"])
def test_loader_yields_the_source(table: str, rows: dict[str, list[Any]]) -> None:
    """Every record of the source comes out of the generated module, in the order of its columns."""
    assert rows[f"kinds__{table}"] == [[r["id"], r["note"], r["score"]] for r in RECORDS]


def test_all_modules_are_registered(layout: Layout, rows: dict[str, list[Any]]) -> None:
    """Each new module is imported and its tables are among the code location's."""
    text = (layout.root / "warehouse/oso_dagster/source_assets.py").read_text(encoding="utf-8")
    assert [name for name in rows if f"*{name}.TABLES" not in text] == []


@pytest.fixture
def exports(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder `exports` of the project, with a file and a database in it, as the working directory."""
    folder = layout.root / "exports"
    folder.mkdir(exist_ok=True)
    (folder / "near-1.jsonl").write_text("\n".join(map(json.dumps, RECORDS)))
    with sqlite3.connect(folder / "near.db") as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS near (id INTEGER, note TEXT, score REAL)")
        connection.execute("DELETE FROM near")
        connection.executemany("INSERT INTO near VALUES (:id, :note, :score)", RECORDS)
    monkeypatch.chdir(folder)
    return folder


def read_elsewhere(layout: Layout, name: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """The rows of one generated module, read by a process that was started in `folder`."""
    return subprocess.run(
        [sys.executable, "-c", READ_ALL, name], capture_output=True, text=True, timeout=120, check=False, cwd=folder,
        env={**os.environ, "PYTHONPATH": str(layout.root / "warehouse")},
    )  # fmt: skip


@pytest.mark.parametrize(
    ("table", "source", "address"),
    [
        ("near_file", Source("files", "near-*.jsonl"), "exports/near-*.jsonl"),
        ("near_database", Source("sql", "sqlite:///near.db", table="near"), "sqlite:///exports/near.db"),
    ],
)
def test_a_relative_address_begins_at_the_project(
    layout: Layout, exports: Path, tmp_path: Path, table: str, source: Source, address: str
) -> None:
    """However it was named, it is written as seen from the project's folder and read from wherever Dagster runs."""
    found, sample = read_source(source)
    files.write(layout.root, new_asset(layout, TableName("kinds", table), found, sample))
    assert f'or "{address}"' in (layout.root / f"warehouse/oso_dagster/sources/kinds__{table}.py").read_text()
    done = read_elsewhere(layout, f"kinds__{table}", tmp_path)
    assert done.returncode == 0, done.stderr
    rows = json.loads(done.stdout.splitlines()[-1])[f"kinds__{table}"]
    assert rows == [[r["id"], r["note"], r["score"]] for r in RECORDS]


def test_a_file_that_is_gone_is_no_empty_table(layout: Layout, exports: Path, tmp_path: Path) -> None:
    """The generated module names the file that it misses, so that the raw table stays as it is."""
    found, sample = read_source(Source("files", "near-1.jsonl"))
    files.write(layout.root, new_asset(layout, TableName("kinds", "gone"), found, sample))
    (exports / "near-1.jsonl").unlink()
    done = read_elsewhere(layout, "kinds__gone", tmp_path)
    assert done.returncode != 0 and "there is no file exports/near-1.jsonl" in done.stderr
