PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check

ROWS ?= clincore/data/starter

.PHONY: help demo test soak check bench clean

help:
	@echo "make demo   the main job, end to end, on a real PostgreSQL that comes along"
	@echo "make test   the whole test suite"
	@echo "make soak   more than 10,000 steps of the model on each database and over HTTP; SEED=N repeats a run"
	@echo "make check  formatting, lint, types and the house's import rules"
	@echo "make bench  speed, as ratios in one run; ROWS=DIR names a repertory's rows"
	@echo "make clean  remove the virtual environment and everything built"

demo: .venv/.embedded
	@$(BIN)/clincore demo

test: .venv/.test
	@$(BIN)/python -m pytest -q

ifndef SEED
SEED := $(shell od -An -N4 -tu4 /dev/urandom | tr -d ' ')
endif

soak: .venv/.test
	@echo "The seed is $(SEED): 'make soak SEED=$(SEED)' does the same again."
	@CLINCORE_PROFILE=soak $(BIN)/python -m pytest -q -rP --hypothesis-seed=$(SEED) \
		tests/testing/test_model.py tests/testing/test_model_over_http.py

check: .venv/.dev
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/ruff check --quiet .
	@$(BIN)/mypy --no-error-summary
	@rules=$$($(BIN)/lint-imports --no-logo 2>&1) || { echo "$$rules"; exit 1; }

bench: .venv/.test
	@$(BIN)/python bench/ranking.py $(ROWS)
	@$(BIN)/python bench/search.py $(ROWS)
	@$(BIN)/python bench/calls.py $(ROWS)
	@$(BIN)/python bench/usage.py

clean:
	rm -rf .venv build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "ClinCore needs Python 3.11 or newer; name one with: make PYTHON=python3.13" >&2; exit 1; }
	@echo "Making a virtual environment in .venv"
	@$(PYTHON) -m venv .venv

.venv/.%: pyproject.toml | .venv/bin/python
	@echo "Installing ClinCore with [$*] into .venv"
	@$(PIP) --editable '.[$*]'
	@touch $@
