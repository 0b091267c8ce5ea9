"""How long an agent waits for `playbook mcp`, by the official client over stdin and stdout."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any

import anyio
from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client

from benchmarks.project import fresh_project, script, write_result

#: what is promised: the slowest warm answer that needs no plan, seconds
AT_MOST_S = 0.3
_CONFIG = "ops:\n  sqlmesh_project:\n    config:\n      restate_model: [oso.stg_pypi__projects]\n"
_QUESTIONS: dict[str, dict[str, Any]] = {
    "check_snippet": {"text": _CONFIG, "job": "sqlmesh_all_assets"},
    "check_page": {"path": "docs/playbook/restatements.md"},
    "explain_rule": {"rule": "DG101"},
    "search_facts": {"text": "retries"},
    "list_models": {"text": "stg_"},
    "show_model": {"name": "oso.projects_v1"},
    "list_jobs": {},
    "job_config": {"job": "sqlmesh_all_assets"},
    "list_runbooks": {},
    "list_runs": {},
}


def main(rounds: int, say: Callable[[str], None]) -> bool:
    """Measure, print, write `results/agents.json`; whether every warm answer was there in time."""
    with fresh_project() as root:
        parameters = StdioServerParameters(command=script("playbook"), args=["mcp"], cwd=root)
        cold, warm = anyio.run(_measure, parameters, rounds, say)
    print(f"{'':20}{'first':>9}{'warm':>9}{'slowest':>9}")
    for name in _QUESTIONS:
        print(f"{name:20}{cold[name]:8.3f}s{statistics.median(warm[name]):8.3f}s{max(warm[name]):8.3f}s")
    slowest = max(map(statistics.median, warm.values()))
    print(f"\nslowest warm answer: {slowest:.3f} s, at most {AT_MOST_S}: {'met' if slowest <= AT_MOST_S else 'MISSED'}")
    told = [
        {"name": name, "first_s": round(cold[name], 4), "warm_s": round(statistics.median(times), 4)}
        for name, times in warm.items()
    ]
    write_result("agents", {"answers": told, "at_most_s": AT_MOST_S})
    return slowest <= AT_MOST_S


async def _measure(
    parameters: StdioServerParameters, rounds: int, say: Callable[[str], None]
) -> tuple[dict[str, float], dict[str, list[float]]]:
    cold: dict[str, float] = {}
    warm: dict[str, list[float]] = {name: [] for name in _QUESTIONS}
    async with Client(stdio_client(parameters)) as client:
        for number in range(rounds + 1):
            for name, arguments in _QUESTIONS.items():
                say(f"{name}, {number} of {rounds}")
                start = time.perf_counter()
                result = await client.call_tool(name, arguments)
                took = time.perf_counter() - start
                if result.is_error:
                    raise SystemExit(f"{name}: {result.content}")
                if number:
                    warm[name].append(took)
                else:
                    cold[name] = took
    return cold, warm
