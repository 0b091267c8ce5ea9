"""A stack's folder: names, credentials, ports, and what is written to be read by nobody else."""

from __future__ import annotations

import socket
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dagster_playbook.errors import StackError
from dagster_playbook.stack.ports import choose_ports, is_free
from dagster_playbook.stack.room import Room, open_room


@pytest.fixture
def room(tmp_path: Path) -> Room:
    """A room whose folders are made."""
    made = open_room(tmp_path, "default")
    made.make()
    return made


@pytest.mark.parametrize("name", ["", "../up", "a/b", "UPPER", "x" * 41, "-x", "a b"])
def test_a_name_that_is_no_folder_is_refused(tmp_path: Path, name: str) -> None:
    """A stack's name cannot lead out of the home folder, nor differ by case alone."""
    with pytest.raises(StackError, match="cannot name a stack"):
        open_room(tmp_path, name)


def test_credentials_are_made_once(room: Room) -> None:
    """A stack keeps the credentials that it was made with."""
    assert room.credentials() == room.credentials()


def test_two_rooms_share_no_credential(tmp_path: Path) -> None:
    """Each stack has secrets of its own."""
    rooms = [open_room(tmp_path, name) for name in ("one", "two")]
    for room in rooms:
        room.make()
    one, two = (room.credentials() for room in rooms)
    assert one.postgres_password != two.postgres_password
    assert one.s3_secret_key != two.s3_secret_key


def test_only_the_owner_reads_credentials(room: Room) -> None:
    """The file with the secrets has mode 600."""
    room.credentials()
    assert stat.S_IMODE((room.folder / "credentials.json").stat().st_mode) == 0o600


def test_credentials_are_not_printed(room: Room) -> None:
    """Printing the object shows no secret, so that no log does."""
    credentials = room.credentials()
    assert credentials.postgres_password not in repr(credentials)


@pytest.mark.parametrize("text", ["", "[]", '{"postgres_user": "x"}', "{"])
def test_damaged_credentials_are_one_clear_error(room: Room, text: str) -> None:
    """A damaged file is said by its path, with the way out."""
    (room.folder / "credentials.json").write_text(text)
    with pytest.raises(StackError, match=r"credentials\.json") as caught:
        room.credentials()
    assert "reset" in caught.value.cure


def test_chosen_ports_are_free_and_differ() -> None:
    """Every name gets a port of its own on which something can listen."""
    ports = choose_ports(["a", "b", "c"], {}, {}, ())
    assert len(set(ports.values())) == 3
    assert all(is_free(port) for port in ports.values())


def test_ports_stay_from_one_start_to_the_next() -> None:
    """A port that was chosen before and is free is taken again."""
    before = choose_ports(["a", "b"], {}, {}, ())
    assert choose_ports(["a", "b"], {}, before, ()) == before


def test_a_port_that_was_taken_meanwhile_is_replaced() -> None:
    """When something else listens on last time's port, another one is chosen."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = other.getsockname()[1]
        assert choose_ports(["a"], {}, {"a": taken}, ())["a"] != taken


def test_the_port_of_a_running_service_stays() -> None:
    """A running service's own port is taken by itself, which is no reason to change it."""
    with socket.create_server(("127.0.0.1", 0)) as ours:
        taken = ours.getsockname()[1]
        assert choose_ports(["a"], {}, {"a": taken}, {"a"}) == {"a": taken}


def test_a_wanted_port_that_is_taken_is_refused_by_name() -> None:
    """A port that was asked for and is taken is an error that names both."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = other.getsockname()[1]
        with pytest.raises(StackError, match=f"port {taken} for a is taken"):
            choose_ports(["a"], {"a": taken}, {}, ())


def test_another_port_for_a_running_service_is_refused() -> None:
    """A running service cannot be given another port."""
    with pytest.raises(StackError, match="already runs on port 7000"):
        choose_ports(["a"], {"a": 7001}, {"a": 7000}, {"a"})


@given(
    st.dictionaries(
        st.sampled_from("abcd"), st.one_of(st.integers(max_value=0), st.integers(min_value=65536)), min_size=1
    )
)
def test_ports_out_of_range_are_refused(asked: dict[str, int]) -> None:
    """Whatever number is no port is refused before anything is started."""
    with pytest.raises(StackError, match="not within 1 to 65535"):
        choose_ports("abcd", asked, {}, ())


def test_one_port_for_two_is_refused() -> None:
    """The same port for two services is refused."""
    with pytest.raises(StackError, match="cannot have one port"):
        choose_ports(["a", "b"], {"a": 7000, "b": 7000}, {}, ())
