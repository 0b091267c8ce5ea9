"""FA: words of the prose that are bound to a fact have to say what the fact says."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from dagster_playbook.claims.model import Claim, Kind
from dagster_playbook.findings import Finding, Rule
from dagster_playbook.rules.repairs import exact
from dagster_playbook.rules.world import World, did_you_mean

KINDS = frozenset({Kind.FACT})

UNKNOWN_FACT = Rule("FA801", "unknown-fact", "A binding to a fact that the platform does not have.")
DRIFTED = Rule("FA802", "fact-drifted", "Words bound to a fact that says otherwise.")

RULES = (UNKNOWN_FACT, DRIFTED)

_WORDS = {
    word: number
    for number, word in enumerate(
        """zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen
    seventeen eighteen nineteen twenty""".split()
    )
} | {"once": 1, "twice": 2, "no": 0, "both": 2, "none": 0}
_TENS = {"twenty": 20, "thirty": 30, "forty": 40, "fifty": 50, "sixty": 60, "seventy": 70, "eighty": 80, "ninety": 90}
_CARDINALS = frozenset(_WORDS) - {"once", "twice", "no", "both", "none"}
#: one word with a number in it, such as a version
_VERSION = re.compile(r"(?=\D*\d)[\w.+-]+")
_TRUE = frozenset({"true", "on", "yes", "enabled"})
_FALSE = frozenset({"false", "off", "no", "disabled"})


def check(claim: Claim, world: World) -> Iterator[Finding]:
    """Compare the bound words with the fact: numbers by value (three = 3), lists by their members, text by itself."""
    assert claim.binding is not None
    key = claim.binding.key
    if key not in world.facts.values:
        message = f"no fact is called {key!r}{did_you_mean(key, world.facts.values)}"
        if why := world.facts.unread.get(key):
            message = f"the fact {key!r} cannot be told: {why}"
        yield UNKNOWN_FACT.finding(claim.location, message, subject=key, evidence="playbook facts")
        return
    value = world.facts.values[key]
    if not says(claim.text, value):
        origin = world.facts.origins.get(key, "the platform")
        message = f"the page says {_plain(claim.text)!r}, but {key} is {_spoken(value)!r}"
        right = _in_the_same_words(claim.text, value)
        fix = exact(claim.location, claim.text, right) if right else None
        yield DRIFTED.finding(claim.location, message, subject=key, evidence=origin, fix=fix)


def says(shown: str, value: Any) -> bool:
    """Whether the words state the value."""
    text = _plain(shown)
    if isinstance(value, bool):
        return text.lower() in (_TRUE if value else _FALSE)
    if isinstance(value, int | float):
        return number_of(text) == value
    if isinstance(value, list | tuple):
        members = [part for part in re.split(r",\s*|\s+and\s+|\s+or\s+", text) if part]
        return sorted(_bare(part) for part in members) == sorted(str(item) for item in value)
    if value is None:
        return text.lower() in ("none", "null", "unset", "empty")
    return _bare(text) == str(value) or (not str(value) and text.lower() in ("empty", '""', "an empty string"))


def number_of(text: str) -> float | None:
    """The number that words or digits state, None when they state none; `1,000` and `twenty-one` are numbers."""
    text = text.strip().lower().replace(" ", " ")
    if re.fullmatch(r"-?\d{1,3}(?:,\d{3})+|-?\d+(?:\.\d+)?", text):
        return float(text.replace(",", ""))
    if text in _WORDS:
        return _WORDS[text]
    tens, _, units = text.partition("-")
    if tens in _TENS and (not units or 0 < _WORDS.get(units, 0) < 10):
        return _TENS[tens] + _WORDS.get(units, 0)
    return None


def _in_the_same_words(shown: str, value: Any) -> str:
    """The value as the sentence would say it: a number for a number, a version for a version; "" when more is said."""
    if isinstance(value, bool):
        return _switched(shown, value)
    if isinstance(value, int):
        if re.fullmatch(r"-?[\d,]+", shown):
            return f"{value:,}" if "," in shown else str(value)
        return _spoken(value) if shown in _CARDINALS else ""
    return value if isinstance(value, str) and _VERSION.fullmatch(shown) and _VERSION.fullmatch(value) else ""


def _switched(shown: str, value: bool) -> str:
    """The opposite of one of a pair of words: `off` for `on`, `disabled` for `enabled`."""
    pairs = (("true", "false"), ("on", "off"), ("yes", "no"), ("enabled", "disabled"))
    return next((pair[not value] for pair in pairs if shown == pair[value]), "")


def _plain(shown: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"[`*]", "", shown)).strip()


def _bare(text: str) -> str:
    return text.strip().strip("`*'\"“”").strip()


def _spoken(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int) and 0 <= value <= 12:
        return next(word for word, number in _WORDS.items() if number == value)
    if isinstance(value, list | tuple):
        return ", ".join(str(item) for item in value)
    return str(value)
