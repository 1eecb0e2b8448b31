# The repository's commands. Each does all its set-up: Python 3.11 or later, make and a
# package index are enough.

PYTHON ?= python3
ARGS ?=
BIN := .venv/$(if $(filter Windows_NT,$(OS)),Scripts,bin)

.DEFAULT_GOAL := help
.PHONY: help run test check drill interop bench release setup clean

help: ## list these commands
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/make \1|\2/p' Makefile | \
	while IFS='|' read -r name text; do printf '%-14s %s\n' "$$name" "$$text"; done

run: setup ## start smally on an embedded PostgreSQL, with a key to try; Ctrl-C stops both
	@$(BIN)/smally serve --demo || [ $$? -eq 130 ]

test: ## run the tests, but the slow ones; ARGS goes to pytest
	@$(PYTHON) scripts/test $(ARGS)

check: ## the gate: format, lint, types, imports, tests with coverage; ARGS=--tested
	@$(PYTHON) scripts/check $(ARGS)

drill: ## deploy to a Debian host of our own, and break it as the documents say; needs root
	@$(PYTHON) scripts/drill $(ARGS)

interop: setup ## take turns with Rust's sqlx-cli, where cargo is installed
	@if [ -e scripts/interop ]; then PATH="$(CURDIR)/$(BIN):$$PATH" exec scripts/interop $(ARGS); \
	else echo 'interop: skipped, this checkout has no scripts/interop'; fi

bench: setup ## measure against psql and sqlx-cli
	@if [ -e scripts/bench ]; then PATH="$(CURDIR)/$(BIN):$$PATH" exec scripts/bench $(ARGS); \
	else echo 'bench: skipped, this checkout has no scripts/bench'; fi

release: ## build into dist/ and try each artefact in an empty environment
	@$(PYTHON) scripts/release

setup: ## make .venv, or do nothing when it is up to date
	@$(PYTHON) scripts/setup

clean: ## remove all that git ignores but .env, naming it
	@if kill -0 "$$(head -n 1 .postgres/data/postmaster.pid 2>&1)" 2>/dev/null; then \
	echo 'clean: a server runs in .postgres; stop smally first (Ctrl-C)' >&2; exit 1; fi
	@echo 'Removing what git ignores (.env stays); .postgres is the embedded database'
	@git clean -fdX --exclude='!.env'
