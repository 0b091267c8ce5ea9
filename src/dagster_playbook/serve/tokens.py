"""Tokens of forms: each is of one session and one form, lives for an hour, and is taken once."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import threading
import time

#: how long a form may be open
LIFE_S = 3600.0


class TokenError(Exception):
    """Why a form is not taken, in one line."""


class Tokens:
    """Made and taken by one server process: its key is gone with it."""

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)
        self._spent: dict[str, float] = {}
        self._turn = threading.Lock()

    def make(self, session: str, form: str) -> str:
        """A token for a form, named by the address that it is sent to."""
        nonce, at = secrets.token_hex(12), f"{time.time():.0f}"
        return f"{nonce}.{at}.{self._seal(session, form, nonce, at)}"

    def take(self, session: str, form: str, token: str) -> None:
        """Take a token.

        Raises:
            TokenError: there is none, it is of another session, form or server, has expired, or was taken before.
        """
        if not token:
            raise TokenError("the form carries no token, so it was not sent by a page of this server")
        nonce, _, rest = token.partition(".")
        at, _, seal = rest.partition(".")
        if not session or not hmac.compare_digest(seal.encode(), self._seal(session, form, nonce, at).encode()):
            raise TokenError("the form is not of this session, or of before the server was started: load the page anew")
        now = time.time()
        if now - float(at) > LIFE_S:
            raise TokenError("the form was open for more than an hour: load the page anew")
        with self._turn:
            self._spent = {one: when for one, when in self._spent.items() if now - when <= LIFE_S}
            if nonce in self._spent:
                raise TokenError("the form was sent before; nothing is done twice")
            self._spent[nonce] = now

    def _seal(self, session: str, form: str, nonce: str, at: str) -> str:
        text = "\0".join((session, form, nonce, at)).encode("utf-8", "surrogatepass")
        return hmac.new(self._key, text, hashlib.sha256).hexdigest()
