"""Let one peer collect the code blocks of a tree: `python -m benchmarks.collect TOOL FOLDER`; prints how many.

Run in a process of its own, so that each pays for its own imports, as a person's run does.
"""

from __future__ import annotations

import sys
from pathlib import Path

LANGUAGES = ("yaml", "sql", "sh", "python")


def pytest_examples(folder: Path) -> int:
    """Python blocks only: it knows no other language."""
    from pytest_examples import find_examples

    return sum(1 for _ in find_examples(folder))


def sybil(folder: Path) -> int:
    """Blocks of each language, by its Markdown lexer."""
    from sybil.document import Document
    from sybil.parsers.markdown import CodeBlockParser

    parsers = [CodeBlockParser(language, lambda example: None) for language in LANGUAGES]
    return sum(len(list(Document.parse(str(path), *parsers))) for path in sorted(folder.rglob("*.md")))


def mktestdocs(folder: Path) -> int:
    """Blocks of each language, by its own splitting."""
    from mktestdocs import grab_code_blocks

    texts = (path.read_text(encoding="utf-8") for path in sorted(folder.rglob("*.md")))
    return sum(len(grab_code_blocks(text, lang=language)) for text in texts for language in LANGUAGES)


TOOLS = {"pytest-examples": pytest_examples, "sybil": sybil, "mktestdocs": mktestdocs}

if __name__ == "__main__":
    print(TOOLS[sys.argv[1]](Path(sys.argv[2])))
