"""Words of a text column that the loader of seeds takes for no value at all.

SQLMesh reads a seed with pandas, and pandas takes `NA`, `null`, `None` and the like for null, quoted or not, unless the
model's `csv_settings` say otherwise.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from dagster_playbook.findings import Fix
from dagster_playbook.scaffold.lint.model_file import ModelFile, split_top_level
from dagster_playbook.scaffold.lint.project import SeedFile, Warehouse
from dagster_playbook.scaffold.lint.rule import SEED_RULES, Problem, Rule

#: what pandas reads as null by default, the empty cell left out: that one is how a CSV writes a null
NULL_WORDS = frozenset(
    "#N/A|#N/A N/A|#NA|-1.#IND|-1.#QNAN|-NaN|-nan|1.#IND|1.#QNAN|<NA>|N/A|NA|NULL|NaN|None|n/a|nan|null".split("|")
)
_TEXT = re.compile(r"(VARCHAR|CHAR|TEXT|STRING|JSON|NVARCHAR|NCHAR)\b", re.IGNORECASE)
_SETTINGS = re.compile(r"\bcsv_settings\s*\(", re.IGNORECASE)
_KEEP = re.compile(r"\bkeep_default_na\s*=\s*'?(?P<value>\w+)'?", re.IGNORECASE)
_NA_VALUES = re.compile(r"\bna_values\s*=", re.IGNORECASE)
_SAID = "keep_default_na = false, na_values = ['']"
#: the words go to people, so a list of them ends somewhere
_SHOWN = 3


def null_words(house: Warehouse) -> Iterator[Problem]:
    """No word of a text column is loaded as null without the model saying so."""
    for seed in house.seeds:
        model = house.seed_model(seed)
        if model is None or _keeps_words(model):
            continue
        texts, others = _columns(seed, model)
        found = [
            (i, seed.header[place], row[place])
            for i, row in enumerate(seed.rows)
            for place in texts
            if row[place] in NULL_WORDS and not _is_meant(model, row[place])
        ]
        if not found:
            continue
        i, column, word = found[0]
        words = sorted({repr(each) for _, _, each in found})
        is_or_are = "is" if len(words) == 1 else "are"
        told = f"{', '.join(words[:_SHOWN])} of a text column {is_or_are} loaded as NULL ({column})"
        is_clear = not any(row[place] in NULL_WORDS for row in seed.rows for place in others)
        yield Problem(
            seed.at(i), told, word, "pandas reads seeds for SQLMesh, and these words are its nulls",
            _fix(model) if is_clear else None,
        )  # fmt: skip


def _keeps_words(model: ModelFile) -> bool:
    said = _KEEP.search(model.value("kind"))
    return said is not None and said["value"].lower() in ("false", "0")


def _is_meant(model: ModelFile, word: str) -> bool:
    """Whether the model itself says that the word is a null."""
    said = _NA_VALUES.search(model.value("kind"))
    return said is not None and f"'{word}'" in model.value("kind")[said.end() :]


def _columns(seed: SeedFile, model: ModelFile) -> tuple[list[int], list[int]]:
    """Places of the columns that hold text and of all others; one without a type is text when a cell is no number."""
    types = model.columns()
    texts, others = list[int](), list[int]()
    for place, name in enumerate(seed.header):
        type_ = types.get(name.lower(), "")
        is_text = _TEXT.match(type_) is not None if type_ else _holds_words(seed, place)
        (texts if is_text else others).append(place)
    return texts, others


def _holds_words(seed: SeedFile, place: int) -> bool:
    cells = {row[place] for row in seed.rows} - NULL_WORDS - {""}
    return any(not re.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", cell.strip()) for cell in cells)


def _fix(model: ModelFile) -> Fix | None:
    """The settings that keep the words and leave an empty cell what it was, null; none beside `na_values` of others."""
    written = model.properties["kind"]
    kind = written.text
    if _KEEP.search(kind) or _NA_VALUES.search(kind):
        return None
    settings = _SETTINGS.search(kind)
    if settings:
        return _fix_of(model, written.start + settings.start(), settings.group(), f"{settings.group()}{_SAID}, ")
    opening = kind.find("(")
    entries = split_top_level(kind[opening + 1 : kind.rfind(")")])
    if opening < 0 or not entries:
        return None
    first = entries[0].strip()
    start = written.start + kind.index(first, opening)
    return _fix_of(model, start, first, f"{first}, csv_settings ({_SAID})")


def _fix_of(model: ModelFile, start: int, was: str, replacement: str) -> Fix:
    return Fix(model.at(start, start + len(was)), was, replacement)


RULES = (
    Rule(
        "WH210", "words-loaded-as-null", "no word of a text is loaded as null", SEED_RULES, null_words, is_fixable=True
    ),
)
