"""The folder of one stack: where its settings, credentials, data, logs and process records stand."""

from __future__ import annotations

import json
import re
import secrets
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from dagster_playbook.durable import write_whole
from dagster_playbook.errors import StackError

_NAME = re.compile(r"^[a-z0-9][a-z0-9_-]{0,39}$")


@dataclass(frozen=True, slots=True)
class Credentials:
    """The secrets of one stack, made when it is first started; never written to a log or an argument list."""

    postgres_user: str
    postgres_password: str
    s3_access_key: str
    s3_secret_key: str

    def __repr__(self) -> str:
        return "Credentials(...)"


@dataclass(frozen=True, slots=True)
class Room:
    """The folder of one stack, `<home>/<name>`."""

    folder: Path

    @property
    def name(self) -> str:
        """The stack's name."""
        return self.folder.name

    @property
    def logs(self) -> Path:
        """One log file for each service."""
        return self.folder / "logs"

    @property
    def data(self) -> Path:
        """What the services keep; `reset` deletes it."""
        return self.folder / "data"

    @property
    def run(self) -> Path:
        """One process record for each service that was started."""
        return self.folder / "run"

    @property
    def generated(self) -> Path:
        """Configuration that could not be used as it is committed."""
        return self.folder / "generated"

    def log(self, service: str) -> Path:
        """The log file of a service."""
        return self.logs / f"{service}.log"

    def exists(self) -> bool:
        """Whether this stack was ever started."""
        return self.folder.is_dir()

    def make(self) -> None:
        """Make the folders.

        Raises:
            StackError: they cannot be made.
        """
        try:
            for folder in (self.logs, self.data, self.run, self.generated):
                folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StackError(
                f"cannot make {self.folder}: {error.strerror}", cure="name a writable folder with --home"
            ) from error

    def credentials(self) -> Credentials:
        """This stack's secrets, made the first time.

        Raises:
            StackError: the file is there and cannot be read.
        """
        path = self.folder / "credentials.json"
        if not path.exists():
            made = Credentials("playbook", secrets.token_urlsafe(24), secrets.token_hex(10), secrets.token_urlsafe(30))
            write_whole(path, json.dumps(asdict(made), indent=2) + "\n")
        document = read_json(path)
        wanted = {f.name for f in fields(Credentials)}
        if set(document) != wanted or not all(isinstance(v, str) and v for v in document.values()):
            raise StackError("does not hold this stack's credentials", path=str(path), cure="run: playbook stack reset")
        return Credentials(**document)

    def ports(self) -> dict[str, int]:
        """The ports that were chosen before, so that addresses stay the same from one start to the next."""
        path = self.folder / "ports.json"
        return {name: int(port) for name, port in read_json(path).items()} if path.exists() else {}

    def keep_ports(self, ports: dict[str, int]) -> None:
        """Remember the ports."""
        write_whole(self.folder / "ports.json", json.dumps(ports, indent=2) + "\n")


def open_room(home: Path, name: str) -> Room:
    """The room of the stack `name` below `home`; nothing is made yet.

    Raises:
        StackError: the name could not be a folder's.
    """
    if not _NAME.match(name):
        raise StackError(
            f"{name!r} cannot name a stack", cure="use up to 40 of a-z, 0-9, - and _, beginning with a letter or digit"
        )
    return Room(home.resolve() / name)


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object from a file.

    Raises:
        StackError: it cannot be read, or holds something else.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise StackError(f"cannot be read: {error}", path=str(path), cure="run: playbook stack reset") from error
    if not isinstance(document, dict):
        raise StackError("does not hold a JSON object", path=str(path), cure="run: playbook stack reset")
    return document
