"""What a command prints, kept while it runs: without secrets in a file of the evidence, and its end in memory."""

from __future__ import annotations

import codecs
import hashlib
import os
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dagster_playbook.durable import write_all
from dagster_playbook.runbook.redaction import RedactedStream, Redactor

#: the end of an output that expectations and later steps read
TAIL_CHARACTERS = 200_000
#: what a step may leave in the evidence; more would fill the disk of the operator
LIMIT_BYTES = 1_000_000_000


@dataclass(slots=True)
class Output:
    """An output as it arrives; `size_bytes` counts what was printed, `cut_bytes` what is not in the file."""

    path: Path
    redactor: Redactor
    limit_bytes: int = LIMIT_BYTES
    size_bytes: int = 0
    cut_bytes: int = 0
    why_cut: str = ""
    _kept_bytes: int = 0
    _digest: Any = field(default_factory=hashlib.sha256)
    _tail: deque[str] = field(default_factory=deque)
    _tail_characters: int = 0
    _all_characters: int = 0
    _descriptor: int = -1
    _decoder: Any = field(default_factory=lambda: codecs.getincrementaldecoder("utf-8")("replace"))
    _stream: RedactedStream = field(init=False)

    def __post_init__(self) -> None:
        self._stream = RedactedStream(self.redactor)
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)

    def feed(self, data: bytes) -> None:
        """Take what has arrived."""
        self.size_bytes += len(data)
        self._keep(self._stream.feed(self._decoder.decode(data)))

    def close(self) -> None:
        """Take the rest and put the file on the disk."""
        if self._descriptor < 0:
            return
        self._keep(self._stream.feed(self._decoder.decode(b"", True)) + self._stream.rest())
        if self.why_cut:
            self._write(f"\n[cut: {self.cut_bytes} bytes more were printed: {self.why_cut}]\n".encode(), is_note=True)
        try:
            os.fsync(self._descriptor)
        except OSError as error:
            self.why_cut = self.why_cut or str(error.strerror or error)
        os.close(self._descriptor)
        self._descriptor = -1

    @property
    def tail(self) -> str:
        """The end of it, below a line that says where the rest stands when this is not all."""
        text = "".join(self._tail)
        left_out = self._all_characters - len(text)
        text = text.rstrip("\n")
        return f"[{left_out} characters before this stand in evidence/{self.path.name}]\n{text}" if left_out else text

    def as_result(self) -> dict[str, Any]:
        """What a step's result says of it."""
        result = {
            "output": self.tail,
            "output_file": f"evidence/{self.path.name}",
            "output_sha256": self._digest.hexdigest(),
            "output_bytes": self.size_bytes,
        }
        return {**result, "output_cut": f"{self.cut_bytes} bytes: {self.why_cut}"} if self.why_cut else result

    def _keep(self, text: str) -> None:
        if not text:
            return
        self._all_characters += len(text)
        self._tail.append(text)
        self._tail_characters += len(text)
        while self._tail_characters > TAIL_CHARACTERS:
            over = self._tail_characters - TAIL_CHARACTERS
            first = self._tail.popleft()
            self._tail_characters -= len(first)
            if len(first) > over:
                self._tail.appendleft(first[over:])
                self._tail_characters += len(first) - over
        data = text.encode("utf-8", "surrogatepass")
        if self._kept_bytes + len(data) > self.limit_bytes and not self.why_cut:
            self.why_cut = f"the evidence of a step is at most {self.limit_bytes} bytes"
            # a character that is cut in two is left out whole
            room = self.limit_bytes - self._kept_bytes
            whole = data[:room].decode("utf-8", "ignore").encode("utf-8")
            self.cut_bytes += len(data) - len(whole)
            self._write(whole)
        elif self.why_cut:
            self.cut_bytes += len(data)
        else:
            self._write(data)

    def _write(self, data: bytes, *, is_note: bool = False) -> None:
        try:
            write_all(self._descriptor, data)
        except OSError as error:
            # the command goes on: what it does matters more than what it says
            self.why_cut = self.why_cut or f"the disk refuses: {error.strerror or error}"
            self.cut_bytes += 0 if is_note else len(data)
            os.ftruncate(self._descriptor, self._kept_bytes)
            os.lseek(self._descriptor, self._kept_bytes, os.SEEK_SET)
            return
        self._kept_bytes += len(data)
        self._digest.update(data)
