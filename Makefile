# Every command makes its own environment first: nothing but Python 3.11 or newer is needed.
# `make help` lists what has a ## behind it. `check` never writes; `fix` does.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
PYTEST := $(BIN)/python -m pytest
CROWD := -n auto --dist worksteal

.PHONY: help setup up demo test test-fast check fix bench audit lock histories screenshots
.DEFAULT_GOAL := setup

help: ## this list of commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

setup: $(READY) ## only the environment, in .venv; what `make` alone does

$(READY): requirements-dev.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Handoff needs Python 3.11 or newer; try: make PYTHON=python3.11")'
	@echo 'making $(VENV), which takes about a minute'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements-dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@# Every workflow imports its own module anew: compiled once here, even where Python may not write.
	$(BIN)/python -m compileall -q handoff activities workflows api worker
	@touch $(READY)

up: setup ## the whole stack on this machine, until Ctrl-C
	$(BIN)/handoff up

demo: setup ## plays the story against it, in a second terminal
	$(BIN)/handoff demo

test: setup ## all tests, on real servers that it starts itself
	@# What loads the machine would fail others in the crowd. Nothing found (5) is no fault.
	@code=0; \
	$(PYTEST) $(CROWD) -m 'not alone' $(ARGS) || code=$$?; \
	$(PYTEST) -n 0 -m alone $(ARGS) || [ $$? -eq 5 ] || code=$$?; \
	[ $$code -eq 5 ] || exit $$code

test-fast: setup ## rules, the life of a handoff, mail: no endpoints, browser, floods, killed parts, whole stacks
	$(PYTEST) $(CROWD) tests/unit tests/effects tests/flow tests/test_architecture.py --ignore tests/flow/test_encryption.py --ignore tests/flow/test_engine_limits.py --ignore tests/flow/test_large_rounds.py $(ARGS)

# The text of a mail is not among them: its lines are what people read.
check fix: TEMPLATES = api handoff activities/email/templates/letter.html.j2
check fix: STYLES_AND_MODULES = '{api,handoff}/**/*.{css,js}'

check: setup ## format, lint, types, settings and migrations; never writes
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/djlint --check $(TEMPLATES)
	$(BIN)/djlint --lint --quiet $(TEMPLATES)
	$(BIN)/oxfmt --check $(STYLES_AND_MODULES)
	$(BIN)/oxlint --deny-warnings api handoff
	$(BIN)/python -m tests.support.styles_agree
	$(BIN)/python -m handoff.cli.environment_example --check
	$(BIN)/python -m tests.support.migrations_agree

fix: setup ## mends what check complains of, as far as it can be
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/djlint --reformat --quiet --warn $(TEMPLATES)
	$(BIN)/oxlint --fix api handoff
	$(BIN)/oxfmt $(STYLES_AND_MODULES)
	$(BIN)/python -m handoff.cli.environment_example --write

# Ratios to the bare engine and the bare wire, measured in the same run; never a test.
bench: setup ## what it costs, as ratios to the bare engine and the bare wire
	$(BIN)/python -m bench $(ARGS)

# Known weaknesses of what is locked. Needs the public index and its advisories.
audit: setup ## known weaknesses of what is locked
	$(BIN)/pip-audit --strict --disable-pip --require-hashes --requirement requirements.txt

lock: setup ## locks what pyproject.toml asks for, with hashes
	$(BIN)/uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --quiet --output-file requirements.txt
	$(BIN)/uv pip compile pyproject.toml --all-extras --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --quiet --constraint requirements.txt --output-file requirements-dev.txt

# The workflow's histories of today, for the replay test of tomorrow: make histories GENERATION=0002
histories: setup ## records today's workflow for tomorrow's replay test: GENERATION=0002
	RECORD_HISTORIES=$(GENERATION) $(BIN)/python -m pytest -n 0 tests/flow/test_recording.py

screenshots: setup ## the pictures in the docs, from a real stack (needs Chromium)
	$(BIN)/python -m tests.browser.screenshots
