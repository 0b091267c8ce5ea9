"""Which environment variables the platform's sources read: the ones that a page may tell a person to set."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

_READS = re.compile(
    r"""(?:environ(?:\.get)?|getenv|env_var|EnvVar(?:\.int)?|env)[(\[]\s*["'](?P<python>[A-Z][A-Z0-9_]+)["']"""
    r"""|\$\{(?:ENV:)?(?P<shell>[A-Z][A-Z0-9_]+)(?::-[^}]*)?\}"""
    r"""|\{\s*env:\s*(?P<yaml>[A-Z][A-Z0-9_]+)\s*\}"""
    r"""|(?:envvar|environment)=["'](?P<click>[A-Z][A-Z0-9_]+)["']"""
)
_SUFFIXES = frozenset({".py", ".yaml", ".yml", ".properties", ".toml"})
_SKIPPED = frozenset({"__pycache__", "node_modules", "site-packages"})


def read_environment(root: Path, folders: tuple[str, ...]) -> dict[str, str]:
    """Variable name to the first file (POSIX, relative to `root`) that reads it; unreadable files are passed over."""
    found: dict[str, str] = {}
    for folder in folders:
        for path in _sources(root / folder):
            try:
                text = path.read_text(encoding="utf-8")
            except (OSError, UnicodeDecodeError):
                continue
            for match in _READS.finditer(text):
                name = next(group for group in match.groups() if group)
                found.setdefault(name, path.relative_to(root).as_posix())
    return found


def _sources(folder: Path) -> Iterator[Path]:
    if not folder.is_dir():
        return
    for path in sorted(folder.rglob("*")):
        hidden = any(part.startswith(".") or part in _SKIPPED for part in path.relative_to(folder).parts)
        if path.suffix in _SUFFIXES and not hidden and path.is_file() and not path.is_symlink():
            yield path
