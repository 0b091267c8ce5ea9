"""On what a benchmark ran: enough to judge the figures by, nothing that names the machine."""

from __future__ import annotations

import os
import platform
from importlib.metadata import version
from pathlib import Path

_TOOLS = ("dagster", "sqlmesh", "pytest-examples", "sybil", "mktestdocs")


def machine() -> dict[str, str | int | float]:
    """Processor, cores, memory, system, Python and the versions of what is compared."""
    info: dict[str, str | int | float] = {
        "processor": _processor(),
        "cores": os.cpu_count() or 0,
        "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9, 1),
        "system": platform.system(),
        "python": platform.python_version(),
        "load_1min": round(os.getloadavg()[0], 2),
    }
    return info | {name: version(name) for name in _TOOLS}


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
