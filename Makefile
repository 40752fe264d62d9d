# `make example` and `make test` make what they need from nothing; `make check` is what a commit must pass.
# uv is used where it is present, else `python3 -m venv` and pip.

PYTHON ?= python3
BIN := .venv/bin
UV := $(shell command -v uv 2>/dev/null)
PIP := $(if $(UV),$(UV) pip install -q --python $(BIN)/python,$(BIN)/python -m pip install -q --disable-pip-version-check)

.PHONY: example test check format bench clean

example: .venv/run.done
	$(BIN)/python example.py

test: .venv/dev.done
	$(BIN)/python -m pytest -q

check: .venv/dev.done
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(MAKE) test

format: .venv/dev.done
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: .venv/bench.done
	$(BIN)/python -m benchmarks

clean:
	rm -rf .venv

.venv/python.done:
	$(if $(UV),$(UV) venv -q --allow-existing --python $(PYTHON) .venv,$(PYTHON) -m venv .venv)
	@touch $@

.venv/run.done: .venv/python.done pyproject.toml constraints.txt
	$(PIP) -c constraints.txt -e .
	@touch $@

.venv/dev.done: .venv/run.done
	$(PIP) -c constraints.txt -e '.[dev]'
	@touch $@

.venv/bench.done: .venv/run.done benchmarks/requirements.txt
	$(PIP) -r benchmarks/requirements.txt
	@touch $@
