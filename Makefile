# Everything runs in .venv, which is made and kept in step with uv.lock on its own. `make help` lists the targets.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.NOTPARALLEL:
.DEFAULT_GOAL := help

# Interpreters to try, in this order: make PYTHON=/path/to/python3.12 install
PYTHON ?= python3 python3.13 python3.12 python3.11
# Passed on by `make demo` and `make bench`, for example ARGS="--events 50000 --seed 7 --headless --out out/demo"
ARGS ?=

BIN := .venv/bin
PYTEST := $(BIN)/python -m pytest
# What failed is run once more, alone, and named: .ci/tests
TESTS := .ci/tests
# Several processes, each with servers of its own. A file stays whole, with what its tests share; files go in their
# order, for those with the fewest tests are the longest. Unit tests compute; the others wait for half of their time.
TOGETHER := --dist=loadfile --no-loadscope-reorder
COMPUTING := --numprocesses=2 $(TOGETHER)
WAITING := --numprocesses=3 $(TOGETHER)
# A uv on PATH goes first; --frozen: never resolve anew, install what uv.lock says.
UV := env -u VIRTUAL_ENV UV_PYTHON_DOWNLOADS=never UV_PROJECT_ENVIRONMENT=.venv PATH="$$PATH:$(CURDIR)/$(BIN)" uv
ALL := .venv/.synced-all
STANDALONE := .venv/.synced-standalone

.PHONY: help install ahead lint type unit properties integration e2e system faults bench scenarios pictures demo test

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

install: $(ALL) ## everything for development: .venv from uv.lock, with all extras and tools

demo: $(STANDALONE) ## a simulated onboarding day in the terminal, then its cases in a browser; flags through ARGS="--events N --seed S --headless --out DIR"
	@serve=; case " $(ARGS) " in *" --headless "*|*" --serve"*) ;; *) [ ! -t 1 ] || serve="--serve localhost:8091" ;; esac; \
	$(BIN)/proofwatch demo $$serve $(ARGS)

test: ahead lint type unit system ## what CI runs: all of lint, type, unit, integration, e2e
	@echo "make test: lint, types, unit, integration and end-to-end tests passed"

lint: $(ALL) ## ruff, import contracts, generated code in step with its schemas, compose file, settings, documents
	$(BIN)/ruff check --no-cache
	$(BIN)/ruff format --check
	$(BIN)/lint-imports
	$(BIN)/python -m proofwatch.events.meta
	$(BIN)/python -m proofwatch.events.generate --check
	$(BIN)/python -m proofwatch.events.avro --check --check-compatible
	$(BIN)/python -m proofwatch.events.asyncapi --check
	$(BIN)/python -m services.console.openapi --check
	$(BIN)/python -m proofwatch.runtime.metrics_page --check
	$(BIN)/python .ci/settings_documented.py
	$(BIN)/python .ci/documents.py
	$(BIN)/python .ci/pictures.py
	$(BIN)/check-jsonschema --builtin-schema vendor.compose-spec docker-compose.yml
	$(BIN)/check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml
	$(BIN)/check-jsonschema --builtin-schema custom.github-workflows-require-timeout .github/workflows/*.yml

type: $(ALL) ## mypy --strict
	$(BIN)/mypy

unit: $(ALL) ## pure tests, network sockets forbidden
	$(TESTS) tests/unit $(COMPUTING) --disable-socket --allow-unix-socket

properties: $(ALL) ## the property tests of the unit tests with 1,000 new examples each (minutes; not part of `make test`)
	HYPOTHESIS_PROFILE=search $(PYTEST) tests/unit -m hypothesis --disable-socket --allow-unix-socket

integration: $(ALL) ## ports and adapters against a real Kafka, PostgreSQL and Redis (Docker, else native processes)
	$(TESTS) tests/contract tests/integration $(WAITING)

e2e: $(ALL) ## all processes on the real components, from event to verdict, window, case and notification
	$(TESTS) tests/e2e $(WAITING)

# The longest files first: the others fill what they leave idle.
system: $(ALL) ## integration and e2e in one run
	$(TESTS) tests/e2e tests/contract tests/integration $(WAITING)

# It goes on beside lint, types and unit tests; who needs a part that is not there yet waits for it.
ahead: $(ALL) ## fetch and build in the background what tests need: jars, programs; .venv/ahead.log says what is missing
	@nohup $(BIN)/python -m tests.support.ahead > .venv/ahead.log 2>&1 < /dev/null &

faults: $(ALL) ## kills, freezes and scaling on the real components (minutes; not part of `make test`)
	$(PYTEST) tests/faults --timeout=1800

bench: $(ALL) ## throughput beside peers, latency, memory: a dated page in docs; flags through ARGS="--quick latency"
	$(BIN)/python -m tests.benchmarks $(ARGS)

pictures: $(ALL) ## the pictures of the README and of docs/console.md: one demo, then a shift in a browser
	$(BIN)/python -m tests.pictures
	CONSOLE_PICTURES=docs/console $(BIN)/python -m pytest -q -p no:cacheprovider tests/integration/console/test_research.py

$(BIN)/python:
	@.ci/venv $(PYTHON)

scenarios: $(ALL) ## simulated traffic against the detectors, with planted causes: a dated page in docs; flags through ARGS="--only null --seed S --quick"
	$(BIN)/python -m tests.scenarios $(ARGS)

# An exact sync removes what uv.lock does not name; it serves the demo too.
$(ALL): pyproject.toml uv.lock | $(BIN)/python
	@$(UV) sync --frozen --all-extras
	@touch $(STANDALONE) $@

# --inexact: adds the little that the demo needs and takes nothing away from a full .venv.
$(STANDALONE): pyproject.toml uv.lock | $(BIN)/python
	@$(UV) sync --frozen --no-dev --extra standalone --inexact
	@touch $@
