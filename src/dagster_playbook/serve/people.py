"""Who somebody is and what they may do: by the proxy's header and the policy, or, without a proxy, the local user."""

from __future__ import annotations

import getpass
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dagster_playbook.errors import PlaybookError
from dagster_playbook.serve.peer import is_somebody_else
from dagster_playbook.serve.serving import Refused, Serving

#: the role of the policy that plans, asks, runs, cancels and resumes; every other role of it looks
OPERATOR = "operator"
_NAME = re.compile(r"[A-Za-z0-9._%+@-]{1,200}")


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody at a browser.

    Attributes:
        roles: what the policy says of them.
        is_local: nobody but the user of this machine reaches the server; whose signature it is, the key says.
    """

    name: str
    roles: frozenset[str]
    is_local: bool

    @property
    def may_operate(self) -> bool:
        """Whether they may plan, ask, run, cancel and resume."""
        return self.is_local or OPERATOR in self.roles

    def must_operate(self) -> None:
        """Raises Refused for somebody who may only look."""
        if not self.may_operate:
            raise Refused(f"{self.name} does not have the role {OPERATOR!r}, and may look at everything here")


def person_of(serving: Serving, scope: Mapping[str, Any]) -> Person:
    """Who has sent a request, by its ASGI scope.

    Raises:
        Refused: the proxy does not say, or the policy does not know them; without a proxy: another account of this
            machine.
    """
    headers: Sequence[tuple[bytes, bytes]] = scope["headers"]
    if not serving.identity_header:
        if scope.get("client") and scope.get("server") and is_somebody_else(scope["client"], scope["server"]):
            raise Refused("this server is for the account that has started it, and yours is another one")
        return Person(getpass.getuser(), frozenset(), is_local=True)
    wanted = serving.identity_header.lower().encode("latin-1")
    told = [value.decode("latin-1") for name, value in headers if name.lower() == wanted]
    if len(told) != 1 or not _NAME.fullmatch(told[0]):
        raise Refused(f"the proxy does not say who you are: one header {serving.identity_header} is needed", 401)
    try:
        policy = serving.store.policy_if_any(serving.target)
    except PlaybookError as error:
        raise Refused(f"the policy cannot be read, so nobody has a role: {error.message}", 503) from error
    roles = frozenset(role for role, names in (policy.roles if policy else {}).items() if told[0] in names)
    if not roles:
        raise Refused(f"{told[0]} has no role in the policy of the platform {serving.target!r}")
    return Person(told[0], roles, is_local=False)
