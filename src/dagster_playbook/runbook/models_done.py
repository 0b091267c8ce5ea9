"""How far a run of models is: how many were evaluated since it began, by what SQLMesh's run writes down."""

from __future__ import annotations

import datetime as dt
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from dagster_playbook.restatement.recovery import ATTEMPTS_FOLDER, EVALUATIONS_FILE, data_folder
from dagster_playbook.services.dagster_runs import Progress
from dagster_playbook.settings import Settings

#: the kind of progress that tells it
MODELS = "models"
_LOOK_S = 1.0
#: of the evidence, which grows for ever: what a run of some hours has written stands in its end
_END_BYTES = 4_000_000


@dataclass(slots=True)
class ModelsDone:
    """Counts; `folder` holds the platform's plans and evaluations, `since` is when the run began, aware."""

    folder: Path
    since: dt.datetime
    _names: dict[str, None] = field(default_factory=dict)
    _offset: int = -1

    def look(self) -> str:
        """For people, e.g. `12 of 45 models, the last one oso.projects_v1`; "" as long as there is none."""
        self._read()
        planned = self._planned()
        # a restatement also evaluates what is due; how far it is, its own models say
        done = [name for name in self._names if not planned or name in planned]
        if not done and not planned:
            return ""
        of = f"{len(done)} of {len(planned)}" if planned else str(len(done))
        return f"{of} models" + (f", the last one {done[-1]}" if done else "")

    def _read(self) -> None:
        path = self.folder / EVALUATIONS_FILE
        try:
            with path.open("rb") as file:
                size = path.stat().st_size
                file.seek(max(0, size - _END_BYTES) if self._offset < 0 else self._offset)
                raw = file.read()
                whole = raw.rpartition(b"\n")[0]
                self._offset = file.tell() - (len(raw) - len(whole) - 1 if whole else len(raw))
        except OSError:
            return
        for line in whole.splitlines():
            # a line that was cut off, or is of another format, counts nothing
            with suppress(ValueError, KeyError, TypeError):
                entry = json.loads(line)
                if entry["succeeded"] and dt.datetime.fromisoformat(entry["finished"]) >= self.since:
                    self._names.pop(entry["model"], None)
                    self._names[str(entry["model"])] = None

    def _planned(self) -> frozenset[str]:
        """The models of the restatement that was planned since; an ordinary run evaluates what is due instead."""
        try:
            files = [path for path in (self.folder / ATTEMPTS_FOLDER).iterdir() if path.suffix == ".json"]
            newest = max(files, key=lambda path: path.stat().st_mtime, default=None)
            if newest is None or newest.stat().st_mtime < self.since.timestamp():
                return frozenset()
            return frozenset(model["name"] for model in json.loads(newest.read_text(encoding="utf-8"))["models"])
        except (OSError, ValueError, KeyError, TypeError):
            return frozenset()


@contextmanager
def telling_models(settings: Settings, progress: Progress) -> Iterator[None]:
    """Tell how many models are done while a job is followed, whenever that changes."""
    counted, over = ModelsDone(data_folder(settings), dt.datetime.now(dt.UTC)), threading.Event()
    following = threading.Thread(target=_tell, args=(counted.look, progress, over), daemon=True, name="models")
    following.start()
    try:
        yield
    finally:
        over.set()
        following.join()


def _tell(look: Callable[[], str], progress: Progress, over: threading.Event) -> None:
    told = ""
    while not over.wait(_LOOK_S):
        text = look()
        if text and text != told:
            progress(MODELS, "", text)
            told = text
