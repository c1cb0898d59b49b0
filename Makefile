# Every command makes its own environment first: nothing but Python 3.11 or newer is needed.
# `check` never writes; `fix` does.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: setup up demo test check fix bench audit lock histories screenshots
.DEFAULT_GOAL := setup

setup: $(READY)

$(READY): requirements-dev.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Handoff needs Python 3.11 or newer; try: make PYTHON=python3.11")'
	@echo 'making $(VENV), which takes about a minute'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@# Every workflow imports its own module anew: compiled once here, even where Python may not write.
	$(BIN)/python -m compileall -q handoff activities workflows api worker
	@touch $(READY)

up: setup
	$(BIN)/handoff up

demo: setup
	$(BIN)/handoff demo

test: setup
	$(BIN)/python -m pytest -n auto --dist worksteal $(ARGS)

# The text of a mail is not among them: its lines are what people read.
check fix: TEMPLATES = api handoff activities/email/templates/letter.html.j2
check fix: STYLES_AND_MODULES = '{api,handoff}/**/*.{css,js}'

check: setup
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

fix: setup
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/djlint --reformat --quiet --warn $(TEMPLATES)
	$(BIN)/oxlint --fix api handoff
	$(BIN)/oxfmt $(STYLES_AND_MODULES)
	$(BIN)/python -m handoff.cli.environment_example --write

# Ratios to the bare engine and the bare wire, measured in the same run; never a test.
bench: setup
	$(BIN)/python -m bench $(ARGS)

# Known weaknesses of what is locked. Needs the public index and its advisories.
audit: setup
	$(BIN)/pip-audit --strict --disable-pip --require-hashes --requirement requirements.txt

lock: setup
	$(BIN)/uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --quiet --output-file requirements.txt
	$(BIN)/uv pip compile pyproject.toml --all-extras --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --quiet --constraint requirements.txt --output-file requirements-dev.txt

# The workflow's histories of today, for the replay test of tomorrow: make histories GENERATION=0002
histories: setup
	RECORD_HISTORIES=$(GENERATION) $(BIN)/python -m pytest -n 0 tests/flow/test_recording.py

screenshots: setup
	$(BIN)/python -m tests.browser.screenshots
