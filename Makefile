# Milepost: every command on one line. `make` alone prints them.
# The first command that needs them installs uv into .uv/ and everything else into .venv/.

.DEFAULT_GOAL := help
SHELL := /bin/sh
UV_VERSION := 0.13.9
UV := .uv/bin/uv
BIN := .venv/bin
READY := .venv/.ready

# The first interpreter that answers and is new enough; `make PYTHON=/path/to/python` overrides it.
PYTHON ?= $(shell for p in python3.11 python3 python3.12 python3.13 python; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 && echo $$p && break; done)

# Never fetch an interpreter, and trust what the machine trusts: a company's proxy has its own
# certificate, which uv does not know by itself.
export UV_PYTHON_DOWNLOADS := never
export UV_PROJECT_ENVIRONMENT := .venv
ifneq ($(wildcard /etc/ssl/certs/ca-certificates.crt /etc/pki/tls/certs/ca-bundle.crt /etc/ssl/cert.pem),)
export UV_SYSTEM_CERTS := 1
endif
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PIP_ROOT_USER_ACTION := ignore
unexport VIRTUAL_ENV
# PostgreSQL refuses to run as root; for root its test package makes a user, with a tool from here.
export PATH := $(PATH):/usr/sbin:/sbin

##@ Start

help: ## print this list
	@awk 'BEGIN {FS = ":.*## "} /^##@/ {printf "\n%s\n", substr($$0, 5)} \
		/^[a-z-]+:.*## / {printf "  make %-15s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(READY) ## install uv and every dependency, as locked

demo: $(READY) ## play real shop data through four campaigns (ONCE=1 ends by itself)
	$(BIN)/milepost demo $(if $(ONCE),--once)

up: $(READY) ## the embedded default: database, Temporal, worker, relay and API, until Ctrl-C
	$(BIN)/milepost up

##@ Prove

test: $(READY) browser ## every test, on two processes (ARGS="-k exchange" narrows it)
	$(BIN)/pytest -n 2 --dist loadfile --session-timeout 3000 $(ARGS) </dev/null

browser: ## a browser for the console's tests: the machine's own, else Debian's chromium
	@sh tests/browser/install.sh

screenshots: $(READY) browser ## every page of the console in both languages and themes (PAGE=home)
	PAGE=$(PAGE) $(BIN)/pytest -n 2 -p no:randomly tests/browser/shoot.py $(ARGS) </dev/null

test-pg: $(READY) ## the storage tests on PostgreSQL only
	$(BIN)/pytest tests/storage -k postgres $(ARGS) </dev/null

replay: $(READY) ## replay the recorded histories against the present workflows
	$(BIN)/pytest tests/replay $(ARGS) </dev/null

fuzz: $(READY) ## drive the API from its own description, and the ledger at random for minutes
	$(BIN)/pytest tests/api/test_fuzz.py $(ARGS) </dev/null
	LEDGER_EXAMPLES=$(or $(EXAMPLES),3000) $(BIN)/pytest --timeout 1800 $(ARGS) \
		tests/loyalty/test_ledger_machine_rules.py tests/storage/test_ledger_machine.py </dev/null

check: lint types contracts ## all that needs no running: lint, format, types, import contracts

lint: $(READY) ## ruff: rules and format
	$(BIN)/ruff check . && $(BIN)/ruff format --check .

types: $(READY) ## mypy, strict
	$(BIN)/mypy

contracts: $(READY) ## the import contracts: layers, pure closure, independent workflows
	$(BIN)/lint-imports --no-cache

##@ Measure

costs: $(READY) ## history events and billable actions of each template, measured
	$(BIN)/python -m benchmarks.costs

bench-journeys: $(READY) ## a journey through Milepost beside the same journey written by hand
	$(BIN)/python -m benchmarks.journeys

bench-ledger: $(READY) ## postings beside pgbench, the floor and a ledger written naively
	$(BIN)/python -m benchmarks.ledger $(ARGS)

bench-intake: $(READY) ## receipts over HTTP beside the same request without a database
	$(BIN)/python -m benchmarks.intake $(ARGS)

bench-exchange: $(READY) ## a flash exchange over HTTP: claims a second, and nothing oversold
	$(BIN)/python -m benchmarks.exchange $(ARGS)

bench-console: $(READY) ## every page of the console over 100,000 members and a million postings
	$(BIN)/python -m benchmarks.console $(ARGS)

##@ Change

format: $(READY) ## put every file into shape
	$(BIN)/ruff check --fix . && $(BIN)/ruff format .

record-history: $(READY) ## record a history of every template for `make replay`
	$(BIN)/python -m tests.replay.record

migrate: $(READY) ## bring the configured database up to date
	$(BIN)/milepost migrate

migration: $(READY) ## write a new migration from the tables: make migration name=add_something
	$(BIN)/milepost migration "$(or $(name),$(error name it: make migration name=add_something))"

.PHONY: help setup demo up test browser screenshots test-pg replay fuzz check lint types contracts
.PHONY: costs bench-journeys bench-ledger bench-intake bench-exchange bench-console format record-history migrate migration

# --- set-up ------------------------------------------------------------------------------------

$(READY): $(UV) uv.lock pyproject.toml
	$(UV) sync --frozen --all-extras $(if $(wildcard $(BIN)/python),,--python $(PYTHON))
	@touch $@

# A Debian without its venv package has no ensurepip: then pip alone puts uv into a folder.
$(UV):
	@test -n "$(PYTHON)" || { echo "Milepost needs Python 3.11 or newer as python3 or python3.11."; exit 1; }
	@rm -rf .uv && echo "Installing uv $(UV_VERSION) into .uv/ with $(PYTHON)"
	@{ $(PYTHON) -m venv .uv >/dev/null 2>&1 && .uv/bin/python -m pip install -q uv==$(UV_VERSION); } \
	|| { rm -rf .uv; $(PYTHON) -m pip install -q --target .uv uv==$(UV_VERSION); } \
	|| { rm -rf .uv; echo "Could not install uv. $(PYTHON) needs pip and a way to PyPI" \
		"(on Debian and Ubuntu: apt-get install python3-venv)."; exit 1; }
