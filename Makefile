# The only command surface. `make` sets up .venv by itself and does nothing when nothing changed.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

PYTHON ?= $(shell for p in python3.12 python3.11 python3; do \
	command -v $$p >/dev/null 2>&1 && $$p -c 'import sys; sys.exit(not ((3, 11, 5) <= sys.version_info < (3, 13)))' 2>/dev/null && echo $$p && break; done)
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
ARGS ?=
WORKERS ?= 2
QUICK := $(addprefix tests/unit/,approval claims location markdown report rules)

export PYTHONUTF8 := 1
export DAGSTER_DISABLE_TELEMETRY := 1
export SQLMESH__DISABLE_ANONYMIZED_ANALYTICS := true

.PHONY: help playbook check docs test lint serve bench matrix mutants stack lock install clean

help: ## Show this help
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(READY): requirements.lock requirements-installer.lock pyproject.toml
	@test -n "$(PYTHON)" || { echo "error: no Python >=3.11.5,<3.13 on PATH (looked for python3.12, python3.11, python3); install one, or: make PYTHON=/path/to/python" >&2; exit 2; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "setting up $(VENV) from requirements.lock ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-installer.lock
	@VIRTUAL_ENV=$(VENV) $(BIN)/uv pip sync --quiet --system-certs --compile-bytecode --require-hashes requirements.lock
	@VIRTUAL_ENV=$(VENV) $(BIN)/uv pip install --quiet --no-deps --no-build-isolation --editable .
	@$(BIN)/python -m compileall -q src
	@touch $(READY)

playbook: $(READY) ## Main job: check every page against the embedded DuckDB platform and build the site
	$(BIN)/playbook check $(ARGS)
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --config-file mkdocs.site.yml --site-dir site
	@echo "site: site/index.html"

test: $(READY) ## Run every test: unit, acceptance, the real stack, the real browser
	$(BIN)/python tests/site/chromium.py
	$(BIN)/pytest -n $(WORKERS) --dist loadscope --no-loadscope-reorder $(ARGS)

check: lint ## Before a commit: style, types, layers, the pages, and the quick unit tests
	$(BIN)/playbook check
	$(BIN)/pytest -q -n $(WORKERS) --dist loadscope $(QUICK)

docs: $(READY) ## Write the generated pages and tables anew
	$(BIN)/python -m dagster_playbook.rules.reference > docs/reference/rules.md.new && mv docs/reference/rules.md.new docs/reference/rules.md
	$(BIN)/python -m dagster_playbook.scaffold.lint.reference > docs/reference/warehouse-rules.md.new && mv docs/reference/warehouse-rules.md.new docs/reference/warehouse-rules.md
	$(BIN)/python -m dagster_playbook.claims.runbook_tables docs/reference/runbook-format.md
	$(BIN)/python -m dagster_playbook.runbook.page runbooks/*.md

lint: $(READY) ## Style, types and layers
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

serve: $(READY) ## Serve the site with live reload on 127.0.0.1:8000
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs serve --config-file mkdocs.site.yml --dev-addr 127.0.0.1:8000

bench: $(READY) ## Time the check beside its peers, as ratios in one run
	$(BIN)/python -m benchmarks $(ARGS)

matrix: $(READY) ## Check the same pages against many releases of Dagster and SQLMesh; needs the package index
	$(BIN)/python -m matrix $(ARGS)

mutants: $(READY) ## Change the code that keeps promises, and see whether its unit tests notice
	$(BIN)/python -m mutants $(ARGS)

stack: $(READY) ## Start the real services: Postgres, Nessie, Trino, S3Proxy, Dagster
	$(BIN)/playbook stack up $(ARGS)

lock: $(READY) ## Resolve pyproject.toml anew into requirements.lock
	$(BIN)/uv pip compile --quiet --python-version 3.11.5 --universal --generate-hashes --all-extras --group dev --no-annotate --no-header pyproject.toml -o requirements.lock
	awk '/^[a-z]/ {is_uv = /^uv==/} is_uv' requirements.lock > requirements-installer.lock

install: $(READY) ## Bring .venv to what requirements.lock says

clean: ## Remove what make has built
	rm -rf $(VENV) site .playbook
