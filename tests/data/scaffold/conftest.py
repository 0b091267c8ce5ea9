"""The files here are what the rules are tried on; none of them is a test of this project."""

collect_ignore_glob = ["*"]
