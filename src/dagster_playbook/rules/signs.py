"""SH: signs that a word processor puts where a shell wants plain ones: dashes, quotes and blanks."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator

from dagster_playbook.claims.model import Claim
from dagster_playbook.claims.shell import Word
from dagster_playbook.findings import Finding, Rule

SIGN = Rule(
    "SH611", "typographic-sign", "A dash, quote or blank of a word processor where a command wants a plain one."
)

RULES = (SIGN,)

#: hyphens and dashes of Unicode, the minus sign, and their small and wide forms
DASHES = "\u00ad\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe58\ufe63\uff0d"
_DASHED = re.compile(rf"[-{DASHES}]*[{DASHES}][-{DASHES}]*(?P<name>[A-Za-z][\w-]*)")
_QUOTED = re.compile(r"(?:\A|=)(?P<sign>[\u201c\u201d\u201e\u2018\u2019\u201a\u00ab\u00bb])")
_BLANK = re.compile(r"[\u00a0\u2000-\u200d\u202f\u2060\u3000\ufeff]")
#: programs whose words are text for people
_SPEAKERS = frozenset({"echo", "printf", "git", "gh", "say", "read"})


def meant_option(text: str, options: Iterable[str] = ()) -> str:
    """What was meant by a word that begins with a dash of a word processor, "" when it does not.

    Args:
        options: the spellings that the command takes; without any that fits, a single letter is a short option.
    """
    found = _DASHED.match(text)
    if found is None:
        return ""
    name, rest = found["name"], text[found.end() :]
    known = set(options)
    for spelling in (f"--{name}", f"-{name}"):
        if spelling in known:
            return spelling + rest
    return ("-" if len(name) == 1 else "--") + name + rest


def sign_findings(words: tuple[Word, ...], options: Iterable[str], claim: Claim) -> Iterator[Finding]:
    """Findings of the words of one command; of text that is for people, only a dash."""
    is_speaker = bool(words) and words[0].text.rsplit("/", 1)[-1] in _SPEAKERS
    for word in words:
        is_bare = word.end_column - word.column == len(word.text)
        meant = meant_option(word.text, options)
        if meant and is_bare and not (is_speaker and " " in word.text):
            dash = next(c for c in word.text if c in DASHES)
            told = f"{word.text!r} begins with {_name(dash)}, no plain hyphen; did you mean {meant!r}?"
            yield _finding(told, word, claim)
        elif is_bare and not is_speaker and (sign := _QUOTED.search(word.text)):
            told = f"{word.text!r} has {_name(sign['sign'])}, which no shell takes for a quote"
            yield _finding(told, word, claim)
        elif is_bare and (blank := _BLANK.search(word.text)):
            told = f"{word.text!r} has {_name(blank.group())}, which no shell takes for a blank"
            yield _finding(told, word, claim)


def _name(sign: str) -> str:
    name = unicodedata.name(sign, "sign").lower()
    return f"{'an' if name[0] in 'aeiou' else 'a'} {name} (U+{ord(sign):04X})"


def _finding(message: str, word: Word, claim: Claim) -> Finding:
    where = claim.at(word.line, word.column, word.line, word.end_column)
    return SIGN.finding(where, message, subject=word.text, evidence="the shell takes ASCII hyphens, quotes and blanks")
