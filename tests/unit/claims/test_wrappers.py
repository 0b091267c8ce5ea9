"""The command behind a wrapper is the one that is looked at."""

from __future__ import annotations

import pytest

from dagster_playbook.claims.shell import read_shell
from dagster_playbook.claims.wrappers import nested, remote_text, unwrapped

WRAPPED = (
    "sudo -u dagster -E",
    "sudo -nu dagster",
    "doas -u x",
    "env -i A=1 B=2",
    "env -u A",
    "A=1 env",
    "time -p",
    "nohup",
    "nice -n 10",
    "ionice -c 3",
    "timeout 60",
    "timeout -k 5 --signal TERM 1m",
    "timeout --foreground 60",
    "stdbuf -oL",
    "watch -n 5",
    "xargs -n 1 -I {}",
    "xargs",
    "sudo timeout 5 nice",
    "docker exec -it -u root dagster",
    "docker compose exec -T dagster",
    "docker compose -f compose.yaml -p x exec -e A=1 dagster",
    "docker-compose run --rm --entrypoint '' dagster",
    "docker run --rm -it -v $PWD:/work -w /work ghcr.io/x/y:1",
    "podman exec x",
    "kubectl exec -it pod/dagster -c main --",
    "kubectl -n data exec deploy/dagster --",
    "uv run",
    "uv run --with dagster --python 3.11",
    "uv run --frozen --",
    "uv run -m",
    "uvx --from 'shop[llm]==1.0'",
    "uv tool run --from shop",
    "poetry run",
    "pdm run",
    "pipenv run",
    "pipx run --spec shop==1",
    "hatch run",
    "conda run -n env --no-capture-output",
    "python -m",
    "python3.11 -X dev -m",
    ".venv/bin/python -m",
    "uv run python -m",
    "ssh -i key -p 22 user@host",
    "ssh host sudo",
    "op run --env-file=.env --",
    "direnv exec .",
    "command",
    "exec",
)


@pytest.mark.parametrize("wrapper", WRAPPED)
def test_command_is_found_behind_its_wrapper(wrapper: str) -> None:
    """What is wrapped is left, with its own options, at its own place."""
    (command,) = read_shell(f"{wrapper} shopctl plan -x 1\n").commands
    words = unwrapped(command.words).words
    assert [word.text for word in words] == ["shopctl", "plan", "-x", "1"]
    assert words[0].column == len(wrapper) + 2


@pytest.mark.parametrize(
    ("text", "program"),
    [
        ("uvx shopctl@latest run", "shopctl"),
        ("pipx run shopctl==1.2 run", "shopctl"),
        ("hatch run dev:shopctl", "shopctl"),
    ],
)
def test_runner_reads_a_part_of_the_program(text: str, program: str) -> None:
    """A version or an environment that stands with the program is none of its name."""
    assert unwrapped(read_shell(text).commands[0].words).words[0].text == program


@pytest.mark.parametrize(
    "text",
    [
        "docker compose up -d",
        "docker ps",
        "kubectl get pods",
        "uv sync",
        "poetry install",
        "python run.py -m x",
        "git run x",
    ],
)
def test_other_commands_of_a_wrapper_stay(text: str) -> None:
    """A program that wraps in one of its commands is itself in all others."""
    assert " ".join(word.text for word in unwrapped(read_shell(text).commands[0].words).words) == text


@pytest.mark.parametrize("text", ["command -v shopctl", "kubectl exec pod", "docker exec", "timeout 5", "sudo"])
def test_wrapper_without_a_command_leaves_nothing(text: str) -> None:
    """Where nothing is run, there is nothing to look at."""
    assert unwrapped(read_shell(text).commands[0].words).words == ()


@pytest.mark.parametrize(
    "text", ["bash -c 'cd x && shopctl plan'", 'sh -lc "cd x && shopctl plan"', "su - me -c 'cd x; shopctl plan'"]
)
def test_text_of_a_shell_is_read_as_commands(text: str) -> None:
    """What `sh -c` is given is shell again, with its places on the page."""
    _, (program, _) = nested(read_shell(text).commands[0].words)
    assert (program.text, program.column) == ("shopctl", text.index("shopctl") + 1)


def test_text_for_another_machine_is_read_as_commands() -> None:
    """A single word behind ssh is a whole command line."""
    words = unwrapped(read_shell("ssh host 'shopctl plan'").commands[0].words).words
    ((program, plan),) = remote_text(words)
    assert (program.text, program.column, plan.text) == ("shopctl", 11, "plan")
