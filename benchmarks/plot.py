"""A plot in text: seconds over pages, both by powers of ten."""

from __future__ import annotations

import math

_WIDTH, _HEIGHT = 56, 16
_MARKS = "fwpsm*+o"


def curves(series: dict[str, dict[int, float]]) -> str:
    """One mark a curve; on two logarithmic axes a straight line that rises one decade a decade is linear growth."""
    points = [(size, seconds) for curve in series.values() for size, seconds in curve.items()]
    low_x, high_x = (math.log10(pick(size for size, _ in points)) for pick in (min, max))
    low_y, high_y = (math.log10(pick(seconds for _, seconds in points)) for pick in (min, max))
    grid = [[" "] * (_WIDTH + 1) for _ in range(_HEIGHT + 1)]
    for (_, curve), mark in zip(series.items(), _MARKS, strict=False):
        for size, seconds in curve.items():
            column = round((math.log10(size) - low_x) / ((high_x - low_x) or 1) * _WIDTH)
            row = round((math.log10(seconds) - low_y) / ((high_y - low_y) or 1) * _HEIGHT)
            grid[_HEIGHT - row][column] = mark if grid[_HEIGHT - row][column] == " " else "#"
    lines = []
    for at, row in enumerate(grid):
        seconds = 10 ** (high_y - at / _HEIGHT * (high_y - low_y))
        label = f"{seconds:9.2f}s" if at % 4 == 0 else " " * 10
        lines.append(f"{label} |{''.join(row).rstrip()}")
    lines.append(" " * 11 + "+" + "-" * _WIDTH)
    sizes = sorted({size for size, _ in points})
    lines.append(
        " " * 12 + (" " * max(_WIDTH // max(len(sizes) - 1, 1) - 5, 1)).join(f"{s:<5}" for s in sizes) + " pages"
    )
    legend = ", ".join(f"{mark} {name}" for (name, _), mark in zip(series.items(), _MARKS, strict=False))
    return "\n".join([*lines, f"{legend}, # several", ""])
