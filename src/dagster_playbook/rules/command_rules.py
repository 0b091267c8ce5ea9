"""The rules on command lines."""

from __future__ import annotations

from dagster_playbook.findings import Rule

NOT_SHELL = Rule("SH601", "not-shell", "A shell block that no shell can parse.")
UNKNOWN_COMMAND = Rule("SH602", "unknown-command", "A program that is neither of the project nor a standard one.")
UNKNOWN_SUBCOMMAND = Rule("SH603", "unknown-subcommand", "A sub-command that the program does not have.")
UNKNOWN_OPTION = Rule("SH604", "unknown-option", "An option that the command does not take.")
WRONG_ARGUMENTS = Rule("SH605", "wrong-arguments", "Too few or too many arguments, or an option without its value.")
WRONG_CHOICE = Rule("SH606", "wrong-choice", "A value that the option or argument does not allow.")
UNKNOWN_TARGET = Rule("SH607", "unknown-make-target", "A make target that the Makefile does not have.")
APPLIES = Rule("SH609", "dry-run-applies", "`sqlmesh plan --dry-run` is told as harmless, but it applies the plan.")

RULES = (
    NOT_SHELL,
    UNKNOWN_COMMAND,
    UNKNOWN_SUBCOMMAND,
    UNKNOWN_OPTION,
    WRONG_ARGUMENTS,
    WRONG_CHOICE,
    UNKNOWN_TARGET,
    APPLIES,
)
