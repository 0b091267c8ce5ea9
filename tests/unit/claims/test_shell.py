"""A shell block is split into commands as a shell would, and every word knows its place."""

from __future__ import annotations

from dagster_playbook.claims.shell import read_shell


def words(text: str, **options: bool) -> list[list[str]]:
    return [[word.text for word in command.words] for command in read_shell(text, **options).commands]


def test_pipes_lists_and_substitutions_are_commands_of_their_own() -> None:
    """Each side of a pipe, each part of a list and each substitution is a command."""
    assert words("a x | b && c; d $(e f)\n") == [["a", "x"], ["b"], ["c"], ["d", "$(e f)"], ["e", "f"]]


def test_a_continued_line_is_one_command_with_places_on_both_lines() -> None:
    """A backslash at the end goes on with the same command; places are those of the file."""
    command = read_shell("sqlmesh plan \\\n  --explain\n").commands[0]
    assert [(w.text, w.line, w.column) for w in command.words] == [
        ("sqlmesh", 1, 1),
        ("plan", 1, 9),
        ("--explain", 2, 3),
    ]


def test_quotes_are_removed_and_assignments_left_out() -> None:
    """Words are what the program gets."""
    assert words("A=1 run 'a b' \"c d\" e\\ f\n") == [["run", "a b", "c d", "e f"]]


def test_redirections_and_here_documents_are_no_words() -> None:
    """What is redirected is not given to the program."""
    assert words("cat <<E > out 2>&1\nsqlmesh nothing\nE\n") == [["cat"]]


def test_an_expansion_is_a_word_that_nobody_knows() -> None:
    """A word with a variable is not judged."""
    command = read_shell('run "$HOME/x" $A b\n').commands[0]
    assert [word.is_known for word in command.words] == [True, False, False, True]


def test_a_placeholder_is_a_word_that_nobody_knows() -> None:
    """`<name>` is a blank to fill in, not a redirection."""
    command = read_shell("playbook run <runbook> -p x=1\n").commands[0]
    assert [word.is_known for word in command.words] == [True, True, False, True, True]


def test_output_after_a_prompt_is_no_command() -> None:
    """In a block with prompts, only what follows a prompt is typed by a person."""
    assert words("$ make test\n12 passed\n$ ls\nfile | other\n") == [["make", "test"], ["ls"]]


def test_columns_count_characters() -> None:
    """A word after letters of several bytes stands where a person sees it."""
    word = read_shell("echo é ü\n").commands[0].words[2]
    assert (word.column, word.end_column) == (8, 9)


def test_text_that_is_no_shell_is_an_error_with_a_place() -> None:
    """An unclosed quote is told, not guessed at."""
    text = read_shell("ok\nsqlmesh 'plan\n")
    assert text.errors
    assert text.errors[0][0] >= 1


def test_comments_are_no_commands() -> None:
    """A comment line gives nothing."""
    assert words("# sqlmesh plan\nls # -la\n") == [["ls"]]
