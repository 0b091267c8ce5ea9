"""Where the head of a journal goes besides its own folder: the index of runs, and a signature by the operator's key."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from dagster_playbook.approval.canonical import canonical
from dagster_playbook.approval.signature import SignatureError, key_fingerprint, sign, signer
from dagster_playbook.durable import write_whole
from dagster_playbook.errors import RecordError, RunbookError, on_disk
from dagster_playbook.runbook.journal import Journal, entries
from dagster_playbook.runbook.run_index import RunIndex

#: of signatures over journals: an approval's signature is worth nothing here, and the other way round
NAMESPACE = "dagster-playbook-record"
SIGNATURE_NAME = "signature.json"
PAGE_NAME = "runbook.md"
_INDEXED = ("opened", "resumed", "interrupted", "closed")
_BEGINS = ("opened", "resumed")


class Record:
    """Told of every line of a journal by the journal itself.

    Args:
        index: of the project's runs.
        key: the operator's SSH key, None to sign nothing.
    """

    def __init__(self, index: RunIndex, key: Path | None = None) -> None:
        self._index = index
        self._key = key

    def before(self, event: str, journal: Journal) -> dict[str, Any]:
        """What a line that opens or resumes a run says besides: where the index stands and who will sign.

        Raises:
            SignatureError: the key cannot sign, so that nothing is started.
            RunbookError: the index cannot be read, or knows another journal of this run.
        """
        if event not in _BEGINS:
            return {}
        self._refuse_rewritten(journal)
        said: dict[str, Any] = {"index": self._index.anchor()}
        if self._key is not None:
            said["operator_key"] = key_fingerprint(sign(f"may I sign: {event}", self._key, NAMESPACE))
        return said

    def after(self, event: str, journal: Journal) -> None:
        """Put the head in the index and, when the run stands still, under the operator's signature.

        Raises:
            RecordError: the disk refuses, or the key does not sign any more; the line itself is written.
        """
        if event not in _INDEXED:
            return
        self._index.append(event, journal.folder.name, journal.seq, journal.head)
        if self._key is not None and event not in _BEGINS:
            self._sign(event, journal, self._key)

    def _refuse_rewritten(self, journal: Journal) -> None:
        lines = [line for line in self._index.read().lines if line.run == journal.folder.name]
        if not lines:
            return
        hashes = {entry.seq: entry.hash for entry in entries(journal.folder)} if journal.seq else {}
        name = self._index.path.name
        for line in lines:
            if hashes.get(line.seq) != line.head:
                raise RunbookError(
                    f"the journal was rewritten: line {line.line} of {name} knows another line {line.seq}",
                    path=str(journal.path),
                    cure="a run cannot be resumed from it; look at what was done and start a new one",
                )

    def _sign(self, event: str, journal: Journal, key: Path) -> None:
        path = journal.folder / SIGNATURE_NAME
        payload = canonical({"run": journal.folder.name, "seq": journal.seq, "head": journal.head, "event": event})
        cure = "what was done stands in the journal, unsigned"
        with on_disk("the signature cannot be written", path, RecordError, cure=cure):
            try:
                document = {"payload": payload, "signature": sign(payload, key, NAMESPACE)}
            except SignatureError as error:
                raise RecordError(f"the journal could not be signed: {error}", path=str(path), cure=cure) from error
            write_whole(path, json.dumps(document, indent=2) + "\n")


def keep_page(page: Path, text_sha256: str, folder: Path) -> None:
    """Keep the page that is run beside its journal, byte by byte.

    Raises:
        RunbookError: it is not the page that was planned any more, or the disk refuses.
    """
    with on_disk("the page cannot be kept beside the journal", folder / PAGE_NAME, RecordError):
        content = page.read_bytes()
        if hashlib.sha256(content).hexdigest() != text_sha256:
            raise RunbookError("the page was changed between its plan and its run", path=str(page), cure="run it again")
        write_whole(folder / PAGE_NAME, content)


def signed_head(folder: Path, allowed_signers: Path) -> tuple[str, dict[str, Any]]:
    """Who has signed a run's head, and what the signed text says: `run`, `seq`, `head`, `event`.

    Raises:
        SignatureError: there is a signature that nobody known has made over its text.
        FileNotFoundError: there is none.
    """
    try:
        document = json.loads((folder / SIGNATURE_NAME).read_text(encoding="utf-8"))
        payload, signature = str(document["payload"]), str(document["signature"])
        said = json.loads(payload)
        if not isinstance(said, dict):
            raise SignatureError(f"{SIGNATURE_NAME} holds no signed head")
    except (ValueError, KeyError, TypeError) as error:
        raise SignatureError(f"{SIGNATURE_NAME} cannot be read") from error
    return signer(payload, signature, allowed_signers, NAMESPACE), said
