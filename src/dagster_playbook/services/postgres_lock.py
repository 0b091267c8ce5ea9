"""A platform's lock in the Postgres that holds its state: one for operators on different machines.

The lock is an advisory lock of a session, so it goes with the session of whoever holds it. A row beside it is for
people: it says who that is, and, found when nobody holds the lock, who died with it. The session has to reach Postgres
itself or a pooler that keeps sessions; a pooler by transaction keeps no lock.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from dagster_playbook.errors import PlatformError

_CONNECT_S = 5
_ANSWER_MS = 10_000
# a machine that is gone without a word is noticed by Postgres after a minute, and its session ends
_KEEPALIVE = {"keepalives_idle": 30, "keepalives_interval": 10, "keepalives_count": 3}
_TABLE = "playbook.platform_locks"
_MAKE = (
    f"CREATE SCHEMA IF NOT EXISTS playbook; CREATE TABLE IF NOT EXISTS {_TABLE} (target text PRIMARY KEY, owner text)"
)
# until the end of the transaction, so that lock and row are taken and given back together for whoever looks
_ONE_AT_A_TIME = "SELECT pg_advisory_xact_lock(%s)"
_READ = f"SELECT owner FROM {_TABLE} WHERE target = %s"  # noqa: S608 - the table's name is ours
_WRITE = f"INSERT INTO {_TABLE} VALUES (%s, %s) ON CONFLICT (target) DO UPDATE SET owner = excluded.owner"  # noqa: S608
_CLEAR = f"DELETE FROM {_TABLE} WHERE target = %s"  # noqa: S608


class LockTakenError(PlatformError):
    """Another session holds the lock; `owner` is what its holder wrote down, None when that is not known."""

    def __init__(self, owner: dict[str, Any] | None) -> None:
        super().__init__("the platform's lock is taken")
        self.owner = owner


@dataclass(frozen=True, slots=True)
class StateDatabase:
    """The Postgres database of a platform's state."""

    host: str
    port: int = 5432
    user: str = "sqlmesh"
    password: str = field(default="", repr=False)
    name: str = "sqlmesh"

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> StateDatabase | None:
        """The database that SQLMESH_POSTGRES_HOST, _PORT, _USER, _PASSWORD and _DB name; None without a host.

        Raises:
            PlatformError: the port is no number.
        """
        named = {key: environment.get(f"SQLMESH_POSTGRES_{key}", "") for key in ("HOST", "PORT", "USER", "DB")}
        if not named["HOST"]:
            return None
        if not (named["PORT"] or "5432").isdigit():
            raise PlatformError(f"SQLMESH_POSTGRES_PORT is {named['PORT']!r}, which is no port")
        password = environment.get("SQLMESH_POSTGRES_PASSWORD", "")
        user, name = named["USER"] or "sqlmesh", named["DB"] or "sqlmesh"
        return cls(named["HOST"], int(named["PORT"] or "5432"), user, password, name)

    @property
    def address(self) -> str:
        """For messages."""
        return f"{self.host}:{self.port}/{self.name}"

    def connect(self) -> Any:
        """A new session."""
        import psycopg2

        server = " ".join(f"-c tcp_{name}={value}" for name, value in _KEEPALIVE.items())
        return psycopg2.connect(
            host=self.host,
            port=self.port,
            user=self.user,
            password=self.password,
            dbname=self.name,
            connect_timeout=_CONNECT_S,
            application_name="playbook",
            options=f"-c statement_timeout={_ANSWER_MS} {server}",
            **_KEEPALIVE,
        )


class StateLock:
    """One platform's lock in a database; `left_behind` is the record of a holder that died with it."""

    def __init__(self, database: StateDatabase, target: str, owner: Mapping[str, Any]) -> None:
        self._database = database
        self._target = target
        self._owner = json.dumps(dict(owner))
        self._session: Any = None
        self._works = False
        self.left_behind: dict[str, Any] | None = None

    def take(self) -> None:
        """Take it and write down whose it is.

        Raises:
            LockTakenError: another session holds it.
            PlatformError: the database cannot be asked.
        """
        with self._asking():
            self._session = self._database.connect()
            with self._session, self._session.cursor() as cursor:
                cursor.execute(_ONE_AT_A_TIME, (lock_key(""),))
                cursor.execute(_MAKE)
                cursor.execute(_READ, (self._target,))
                row = cursor.fetchone()
                written = dict(json.loads(row[0])) if row else None
                cursor.execute("SELECT pg_try_advisory_lock(%s)", (lock_key(self._target),))
                if not cursor.fetchone()[0]:
                    raise LockTakenError(written)
                cursor.execute(_WRITE, (self._target, self._owner))
                self.left_behind = written

    def keep(self) -> None:
        """Make sure that it is still ours: a session that ended, as when Postgres was restarted, takes it anew.

        Raises:
            LockTakenError: somebody else has taken it meanwhile.
            PlatformError: the database cannot be asked.
        """
        import psycopg2

        try:
            with self._session, self._session.cursor() as cursor:
                cursor.execute("SELECT 1")
        except psycopg2.Error:
            self._close()
            self.take()

    def write(self, owner: Mapping[str, Any]) -> None:
        """Write down more of whose it is.

        Raises:
            PlatformError: the database cannot be asked.
        """
        self._owner = json.dumps(dict(owner))
        self._works = bool(owner.get("works"))
        with self._asking(), self._session, self._session.cursor() as cursor:
            cursor.execute(_WRITE, (self._target, self._owner))

    def release(self) -> None:
        """Give it back; when the database is gone the lock is gone with it, and what still works stays written down."""
        import psycopg2

        with contextlib.suppress(psycopg2.Error), self._session, self._session.cursor() as cursor:
            cursor.execute(_ONE_AT_A_TIME, (lock_key(""),))
            if not self._works:
                cursor.execute(_CLEAR, (self._target,))
            cursor.execute("SELECT pg_advisory_unlock(%s)", (lock_key(self._target),))
        self._close()

    def _close(self) -> None:
        if self._session is not None:
            self._session.close()

    @contextlib.contextmanager
    def _asking(self) -> Iterator[None]:
        import psycopg2

        try:
            yield
        except LockTakenError:
            self._close()
            raise
        except psycopg2.Error as error:
            self._close()
            told = (str(error).strip() or type(error).__name__).splitlines()[0]
            raise PlatformError(
                f"the platform's lock in Postgres at {self._database.address} cannot be asked for: {told}",
                cure="SQLMESH_POSTGRES_HOST says that the platform's state is there: start it, or unset the variable",
            ) from error


def lock_key(target: str) -> int:
    """The number of an advisory lock, 64 bits with a sign; the empty name is that of taking turns."""
    return int.from_bytes(hashlib.sha256(f"dagster-playbook/{target}".encode()).digest()[:8], "big", signed=True)


@contextlib.contextmanager
def state_lock(database: StateDatabase, target: str, owner: Mapping[str, Any]) -> Iterator[StateLock]:
    """Hold a platform's lock in its state database.

    Raises:
        LockTakenError: another session holds it.
        PlatformError: the database cannot be asked.
    """
    lock = StateLock(database, target, owner)
    lock.take()
    try:
        yield lock
    finally:
        lock.release()
