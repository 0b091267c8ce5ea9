"""What many watchers cost a run on `playbook serve`: how late a step reaches them, and how much longer it takes."""

from __future__ import annotations

import datetime as dt
import json
import os
import re
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import anyio
import httpx

from benchmarks.project import script, write_result

WATCHERS = 50
STEPS = 12
#: what is promised: seconds until a step is seen, and how much longer a watched run may take
AT_MOST_S, AT_MOST_RATIO = 1.0, 1.05
_BEGUN = re.compile(r'data-since="([^"]+)"')
_HEAD = "---\ntitle: Steps\nrunbook:\n  owner: data engineer\n  risk: low\n---\n\n# Steps\n"
_STEP = '\n```sh {{#s{number} changes="nothing"}}\n{python} -c "import time; time.sleep(0.5)"\n```\n'


def main(rounds: int, say: Callable[[str], None]) -> bool:
    """Measure, print, write `results/watchers.json`; whether both promises were met."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        (root / "pyproject.toml").write_text('[project]\nname = "steps"\n\n[tool.playbook]\n')
        (root / "runbooks").mkdir()
        steps = "".join(_STEP.format(number=number, python=sys.executable) for number in range(STEPS))
        (root / "runbooks" / "steps.md").write_text(_HEAD + steps)
        alone: list[float] = []
        watched: list[float] = []
        late: list[float] = []
        with _server(root) as address:
            for number in range(rounds):
                say(f"round {number + 1} of {rounds}")
                alone.append(_run(root, address, 0)[0])
                took, delays = _run(root, address, WATCHERS)
                watched.append(took)
                late += delays
    ratio, slowest = statistics.median(watched) / statistics.median(alone), max(late)
    is_met = ratio <= AT_MOST_RATIO and slowest <= AT_MOST_S
    print(f"alone {statistics.median(alone):.2f} s, with {WATCHERS} watchers {statistics.median(watched):.2f} s")
    print(f"ratio {ratio:.3f}, at most {AT_MOST_RATIO}")
    print(f"a step is seen after {statistics.median(late):.3f} s, the latest {slowest:.3f} s, at most {AT_MOST_S}")
    print("met" if is_met else "MISSED")
    told = {"watchers": WATCHERS, "ratio": round(ratio, 4), "median_late_s": round(statistics.median(late), 4)}
    write_result("watchers", {**told, "latest_s": round(slowest, 4)})
    return is_met


@contextmanager
def _server(root: Path) -> Iterator[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen([script("playbook"), "serve", "--port", str(port)], cwd=root, stderr=subprocess.DEVNULL)
    address = f"http://127.0.0.1:{port}"
    try:
        for _ in range(600):
            try:
                httpx.get(f"{address}/-/static/live.css")
                break
            except httpx.TransportError:
                time.sleep(0.1)
        yield address
    finally:
        process.kill()
        process.wait()


def _run(root: Path, address: str, watchers: int) -> tuple[float, list[float]]:
    """Seconds that the run took by its journal, and how late each step reached each watcher."""
    process = subprocess.Popen(
        [script("playbook"), "run", "runbooks/steps.md", "--format", "json"],
        cwd=root, stdout=subprocess.PIPE, text=True, env={**os.environ, "NO_COLOR": "1"},
    )  # fmt: skip
    assert process.stdout is not None
    run = json.loads(process.stdout.readline())["run"]
    late: list[float] = []
    watching = threading.Thread(target=anyio.run, args=(_watch_all, f"{address}/-/runs/{run}/events", watchers, late))
    watching.start()
    process.communicate()
    watching.join()
    lines = (root / ".playbook" / "runs" / run / "journal.jsonl").read_text().splitlines()
    first, last = (dt.datetime.fromisoformat(json.loads(line)["at"]) for line in (lines[0], lines[-1]))
    return (last - first).total_seconds(), late


async def _watch_all(address: str, watchers: int, late: list[float]) -> None:
    """All watchers as tasks of one client: 50 browsers are on 50 machines, and must not cost this one."""
    limits = httpx.Limits(max_connections=watchers + 1)
    async with (
        httpx.AsyncClient(timeout=60, limits=limits, verify=False) as client,
        anyio.create_task_group() as tasks,
    ):
        for _ in range(watchers):
            tasks.start_soon(_watch, client, address, late)


async def _watch(client: httpx.AsyncClient, address: str, late: list[float]) -> None:
    seen: set[str] = set()
    is_first = True
    async with client.stream("GET", address) as stream:
        async for line in stream.aiter_lines():
            found = _BEGUN.search(line)
            if found and found[1] not in seen:
                seen.add(found[1])
                # what had begun before the watcher came is not late
                if not is_first:
                    now = dt.datetime.now(dt.UTC)
                    late.append((now - dt.datetime.fromisoformat(found[1])).total_seconds())
                is_first = False
