"""The site with live parts: each runbook's page plans, asks, runs and follows; approvals are signed in the browser.

Nothing is run in this process. A run is the operator's own `playbook run`, started from an argument list and followed
by its journal, so a closed browser or a server that was killed changes nothing of it.
"""
