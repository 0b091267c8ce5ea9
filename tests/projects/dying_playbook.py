"""The command `playbook`, which dies at the line of its journal that PLAYBOOK_TEST_KILL names."""

import kill_hook

from dagster_playbook.cli import main

kill_hook.die_at_a_journal_line()
main()
