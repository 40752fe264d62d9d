# `make example` and `make test` need nothing but Python and bash; `make check` is what a commit must pass.
# They make their own .venv, with uv if it is installed, else with `python3 -m venv` and pip.

PYTHON ?= python3
BIN := .venv/bin
UV := $(shell command -v uv 2>/dev/null)
PIP := $(if $(UV),$(UV) pip install -q --python $(BIN)/python,$(BIN)/python -m pip install -q --disable-pip-version-check)

# Tests run side by side. Many of them wait for other processes, so there are more workers than CPUs.
PYTEST := $(BIN)/python -m pytest -q -n 4 --dist loadgroup

.PHONY: example test check check-servers format layers man bench clean

example: .venv/run.done
	$(BIN)/python example.py

test: .venv/dev.done
	$(PYTEST) -m 'not server'

# The tests that run on the gocron servers which PYDAG_TEST_GOCRON names.
check-servers: .venv/dev.done
	@test -n "$$PYDAG_TEST_GOCRON" || { echo "set PYDAG_TEST_GOCRON first: see CONTRIBUTING.md" >&2; exit 2; }
	$(PYTEST) -m server

check: .venv/dev.done
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(MAKE) test

layers: .venv/dev.done
	$(BIN)/lint-imports --no-cache --verbose

format: .venv/dev.done
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

man: .venv/run.done
	$(BIN)/python resource/man_page.py > docs/pydag.1

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
