"""What a session shows as typed by a person, whatever the prompt looks like."""

from __future__ import annotations

import pytest

from dagster_playbook.claims.prompts import has_prompts
from dagster_playbook.claims.shell import output_lines, read_shell

PROGRAMS = {"shopctl": ("plan", "run"), "docker": ("exec",)}
PROMPTS = (
    "$ ",
    "  $ ",
    "(venv) $ ",
    "(.venv) (base) $ ",
    "(venv) user@host:~/work$ ",
    "user@host:~/work $ ",
    "root@2f3c:/# ",
    "[user@host work]$ ",
    "[root@host ~]# ",
    "user@host ~ % ",
    "(venv) user@host work % ",
    "user@host ~/work> ",
    "MacBook-Pro:work me$ ",
    "bash-5.1$ ",
    "sh-4.4# ",
    "\u276f ",
    "~/work \u276f ",
    "λ ",
    "➜  work git:(main) ✗ ",
    "➜  ~ ",
    "~/work $ ",
    "/srv/app $ ",
    "host$ ",
    "% ",
    "# ",
    "> ",
    "/ # ",
    "PS> ",
    "PS C:\\work> ",
    "(venv) PS C:\\Program Files\\work> ",
    "PS /home/me> ",
    "C:\\work>",
    "C:\\Users\\me> ",
    "(venv) C:\\work>",
)


@pytest.mark.parametrize("prompt", PROMPTS)
def test_text_behind_a_prompt_is_typed(prompt: str) -> None:
    """The command stands where a person sees it; the line below it is output."""
    (command,) = read_shell(f"{prompt}shopctl plan --x\nshopped: 1 done\n", is_console=True, programs=PROGRAMS).commands
    assert [word.text for word in command.words] == ["shopctl", "plan", "--x"]
    assert command.words[0].column == len(prompt) + 1


@pytest.mark.parametrize(
    "line",
    [
        "# shopctl is what we use",
        "> shopctl has moved",
        "% Total    % Received",
        "100% done",
        "Price: 12$ each",
        "# install it first",
        "shopctl: nothing to do",
        "Usage: shopctl plan [OPTIONS]",
        "[12:00] shopctl plan",
        "https://user@host/x > y",
    ],
)
def test_what_only_looks_like_a_prompt_is_output(line: str) -> None:
    """Comments, quotations and figures in a session are not commands."""
    commands = read_shell(f"$ shopctl run\n{line}\n", is_console=True, programs=PROGRAMS).commands
    assert [word.text for command in commands for word in command.words] == ["shopctl", "run"]


def test_a_session_without_prompts_has_its_commands() -> None:
    """In a block that shows no prompt, a line is typed where it is surely a command."""
    text = "shopctl plan --x\nshopctl says hello\ndocker exec c ls\n"
    commands = read_shell(text, is_console=True, programs=PROGRAMS).commands
    assert [command.words[0].line for command in commands] == [1, 3]


@pytest.mark.parametrize(
    "text",
    ["$ shopctl \\\n    plan\n", "$ shopctl \\\n> plan\n", "PS> shopctl `\n>> plan\n", "C:\\>shopctl ^\n  plan\n"],
)
def test_a_command_goes_on_in_the_next_line(text: str) -> None:
    """A backslash, PowerShell's backtick and the caret of Windows continue a line, with a second prompt or without."""
    (command,) = read_shell(text, is_console=True, programs=PROGRAMS).commands
    assert [(word.text, word.line) for word in command.words] == [("shopctl", 1), ("plan", 2)]


def test_a_script_is_not_taken_for_a_session() -> None:
    """Comments and redirections of a script make no prompts of it."""
    script = "# shopctl plan\nshopctl plan > out\nif x; then\n  shopctl run\nfi\n"
    assert not has_prompts(script, PROGRAMS)


def test_windows_paths_are_paths() -> None:
    """A backslash in what was typed at a prompt of Windows is no escape."""
    (command,) = read_shell("PS> shopctl run a\\b.md\n", is_console=True, programs=PROGRAMS).commands
    assert command.words[2].text == "a/b.md"


def test_output_is_what_no_prompt_begins() -> None:
    """The lines below a command keep their numbers."""
    assert list(output_lines("(venv) a@b:~$ shopctl plan\none\n\ntwo\n", PROGRAMS)) == [(2, "one"), (4, "two")]
