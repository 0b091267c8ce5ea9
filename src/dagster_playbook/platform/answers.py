"""An authority that remembers: the same question about the same platform is asked once, whatever process asks."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeVar

from dagster_playbook.extras import MissingExtraError
from dagster_playbook.facts.authority import Authority, Documents, ModelAnswer, SelectorAnswer, TextAnswer, Unjudged
from dagster_playbook.facts.cache import Cache
from dagster_playbook.facts.facts_file import Answers
from dagster_playbook.platform.live_authority import model_answer, selector_answer, text_answer

T = TypeVar("T")
#: answers that are kept under one fingerprint; the ones that were not asked for again go first
KEPT = 20_000


def answer_key(question: str, text: str) -> str:
    """What an answer is kept under: the question, by its name in `Authority`, and the text that it is about."""
    return hashlib.blake2b(f"{question}\n{text}".encode("utf-8", "surrogatepass"), digest_size=12).hexdigest()


def kept_answers(cache_folder: Path, fingerprint: str) -> Answers:
    """Everything that has been answered about a platform and is still in the cache."""
    known: dict[str, Any] = Cache(cache_folder).read("answers", fingerprint) or {}
    answers = Answers()
    for key, raw in known.items():
        if "entry" in raw:
            answers.selectors[key] = selector_answer(raw)
        elif "depends_on" in raw:
            answers.models[key] = model_answer(raw)
        else:
            answers.texts[key] = text_answer(raw)
    return answers


class CachedDocuments:
    """Implements `Documents`; remembers what a linter or schema said, across processes, like `CachedAuthority`."""

    def __init__(self, asked: Documents, cache_folder: Path, fingerprint: str, unjudged: Unjudged) -> None:
        self._asked = asked
        self._unjudged = unjudged
        self._cache = Cache(cache_folder)
        self._fingerprint = fingerprint
        self._known: dict[str, Any] | None = None
        self._news: dict[str, Any] = {}

    def validate(self, kind: str, data: object) -> TextAnswer:
        """See `Documents.validate`."""
        return self._remembered(f"validate {kind}\n{data!r}", lambda: self._asked.validate(kind, data))

    def lint_python(self, text: str) -> TextAnswer:
        """See `Documents.lint_python`."""
        return self._remembered(f"lint\n{text}", lambda: self._asked.lint_python(text))

    def save(self) -> None:
        """Keep what was learnt; a folder that cannot be written is no error."""
        if self._news:
            meanwhile = self._cache.read("documents", self._fingerprint) or {}
            merged = {**meanwhile, **self._news}
            self._cache.write("documents", self._fingerprint, dict(list(merged.items())[-KEPT:]))
            self._news = {}

    def _remembered(self, question: str, ask: Callable[[], TextAnswer]) -> TextAnswer:
        key = hashlib.blake2b(question.encode("utf-8", "surrogatepass"), digest_size=12).hexdigest()
        if self._known is None:
            self._known = self._cache.read("documents", self._fingerprint) or {}
        raw = self._news.get(key) or self._known.get(key)
        if raw is not None:
            return text_answer(raw)
        try:
            answer = ask()
        except MissingExtraError as missing:
            self._unjudged.add(f"block for {missing.module}")
            return TextAnswer()
        self._news[key] = asdict(answer)
        return answer


class CachedAuthority:
    """Implements `Authority`; `factory` is called at the first question that has no remembered answer, never before.

    Answers are written by `save()` (or on leaving a `with` block), in one step, merged with what another process
    has written meanwhile. A refusal (`PlatformError`) is never remembered.
    """

    def __init__(self, factory: Callable[[], Authority], cache_folder: Path, fingerprint: str) -> None:
        self._factory = factory
        self._cache = Cache(cache_folder)
        self._fingerprint = fingerprint
        self._live: Authority | None = None
        self._known: dict[str, Any] | None = None
        self._asked: dict[str, Any] = {}
        self._has_news = False
        self._lock = threading.Lock()

    def __enter__(self) -> CachedAuthority:
        return self

    def __exit__(self, *_: object) -> None:
        self.save()

    def select(self, entry: str) -> SelectorAnswer:
        """See `Authority.select`."""
        return self._remembered("select", selector_answer, lambda live: live.select(entry), entry)

    def load_model(self, text: str) -> ModelAnswer:
        """See `Authority.load_model`."""
        return self._remembered("load_model", model_answer, lambda live: live.load_model(text), text)

    def sqlmesh_config(self, text: str) -> TextAnswer:
        """See `Authority.sqlmesh_config`."""
        return self._remembered("sqlmesh_config", text_answer, lambda live: live.sqlmesh_config(text), text)

    def dagster_instance(self, text: str) -> TextAnswer:
        """See `Authority.dagster_instance`."""
        return self._remembered("dagster_instance", text_answer, lambda live: live.dagster_instance(text), text)

    def python_names(self, text: str) -> TextAnswer:
        """See `Authority.python_names`."""
        return self._remembered("python_names", text_answer, lambda live: live.python_names(text), text)

    def save(self) -> None:
        """Keep what was learnt; a folder that cannot be written is no error."""
        with self._lock:
            if not self._has_news:
                return
            meanwhile = self._cache.read("answers", self._fingerprint) or {}
            merged = {**meanwhile, **(self._known or {}), **self._asked}
            self._cache.write("answers", self._fingerprint, dict(list(merged.items())[-KEPT:]))
            self._has_news = False

    def _remembered(
        self, question: str, build: Callable[[dict[str, Any]], T], ask: Callable[[Authority], T], text: str
    ) -> T:
        key = answer_key(question, text)
        with self._lock:
            if self._known is None:
                self._known = self._cache.read("answers", self._fingerprint) or {}
            raw = self._asked.get(key) or self._known.get(key)
            live = self._live
        if raw is not None:
            self._asked[key] = raw
            return build(raw)
        if live is None:
            live = self._live = self._factory()
        answer = ask(live)
        with self._lock:
            self._asked[key] = asdict(answer)  # type: ignore[call-overload]
            self._has_news = True
        return answer
