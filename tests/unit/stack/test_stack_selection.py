"""Which services a start is about."""

from __future__ import annotations

import pytest

from dagster_playbook.errors import StackError
from dagster_playbook.stack.local import Selection
from dagster_playbook.stack.service import in_starting_order
from dagster_playbook.stack.services import SERVICES

DAGSTER = {"dagster-code", "dagster-web", "dagster-daemon"}
CORE = {"postgres", "s3proxy", "nessie", "trino"}


@pytest.mark.parametrize(
    ("selection", "services"),
    [
        (Selection(), CORE | DAGSTER),
        (Selection(without=("dagster",)), CORE),
        (Selection(only=("nessie",)), {"postgres", "s3proxy", "nessie"}),
        (Selection(only=("trino",)), CORE),
        (Selection(only=("postgres",)), {"postgres"}),
        (Selection(only=("postgres",), also=("dagster",)), {"postgres"} | DAGSTER),
        (Selection(without=("dagster-daemon",)), CORE | DAGSTER - {"dagster-daemon"}),
    ],
)
def test_what_is_selected(selection: Selection, services: set[str]) -> None:
    """A selection is what was named and all that it needs; a group stands for its members."""
    assert set(selection.services(SERVICES)) == services


def test_what_is_needed_cannot_be_left_out() -> None:
    """Leaving out what another service needs is refused with the name of that service."""
    with pytest.raises(StackError, match="postgres is needed by nessie"):
        Selection(without=("postgres",)).services(SERVICES)


def test_an_unknown_service_is_refused_with_the_known_ones() -> None:
    """A name that is no service is told, with those that there are."""
    with pytest.raises(StackError, match="no service 'kafka'") as caught:
        Selection(only=("kafka",)).services(SERVICES)
    assert "trino" in caught.value.cure


def test_each_service_starts_after_those_it_waits_for() -> None:
    """In the starting order every service stands behind those that it starts after."""
    order = [service.name for service in in_starting_order(SERVICES)]
    assert all(order.index(a) < order.index(s.name) for s in SERVICES.values() for a in s.after)


def test_a_service_waits_only_for_what_it_needs() -> None:
    """Whatever a service starts after is among its needs, so that it is part of every selection with it."""
    assert [s.name for s in SERVICES.values() if not set(s.after) <= set(s.needs)] == []


def test_no_two_services_share_a_port_name() -> None:
    """Every port name belongs to one service."""
    names = [port for service in SERVICES.values() for port in service.ports]
    assert len(names) == len(set(names))
