# What a developer types; `make` alone lists it.

# The virtual environment that README makes, or another one: make fast PYTHON=/path/to/python
PYTHON ?= $(if $(wildcard .venv/bin/python),.venv/bin/python,python3)
TOOLS = $(dir $(shell command -v $(PYTHON)))

PARALLEL = -n logical --maxprocesses 4

NO_PREFECT = tests/alarms tests/cli tests/e2e tests/simulate tests/sources tests/store

.PHONY: help fast test fmt check cover

help:
	@grep -E '^[a-z]+:.*## ' Makefile | sed -E 's/:.*## /\t/' | expand -t 8

fast: ## the tests without Prefect, a browser or long trials: under a minute
	$(PYTHON) -m pytest -m "not slow and not browser" --hypothesis-profile=fast $(PARALLEL)

test: ## all tests
	$(PYTHON) -m pytest $(PARALLEL)

fmt: ## formats the code, and mends what ruff can mend
	$(TOOLS)ruff check --fix .
	$(TOOLS)ruff format .

check: ## what CI checks beside the tests
	$(TOOLS)ruff check .
	$(TOOLS)ruff format --check .
	$(TOOLS)mypy
	$(TOOLS)lint-imports

cover: ## which lines and branches the tests without Prefect and a browser do not reach
	$(PYTHON) -m coverage erase
	$(PYTHON) -m coverage run -m pytest -m "not slow and not browser" --hypothesis-profile=fast
	$(PYTHON) -m coverage run -m pytest -m "slow and not browser" --hypothesis-profile=fast $(NO_PREFECT)
	$(PYTHON) -m coverage combine --quiet
	$(PYTHON) -m coverage report
