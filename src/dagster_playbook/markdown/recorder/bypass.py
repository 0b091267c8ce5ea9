"""pymdownx's way around the renderer's clean-up of control characters, line by line: each line keeps its origin."""

from __future__ import annotations

from typing import Any

from markdown import Extension
from markdown.preprocessors import Preprocessor
from markdown.util import ETX, STX
from pymdownx._bypassnorm import EOT, SOH


class _PerLine(Preprocessor):  # type: ignore[misc]
    def __init__(self, md: Any, start: str, end: str) -> None:
        super().__init__(md)
        self._start, self._end = start, end

    def run(self, lines: list[str]) -> list[str]:
        return [
            line.replace(SOH, self._start).replace(EOT, self._end) if SOH in line or EOT in line else line
            for line in lines
        ]


class LineByLine(Extension):  # type: ignore[misc]
    """Stands in the place of pymdownx's extension of the same purpose, which joins all lines and splits them anew."""

    def extendMarkdown(self, md: Any) -> None:  # noqa: N802 - Python-Markdown's name
        """Register both stages where pymdownx has them."""
        md.preprocessors.register(_PerLine(md, "", ""), "pymdownx-pre-norm-ws", 35)
        md.preprocessors.register(_PerLine(md, STX, ETX), "pymdownx-post-norm-ws", 29.9)
