# Everything a newcomer types. `make` alone prints this list; the first target that needs them installs the tools, in .venv.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
DATA ?= $(FLEETCAST_DATA)
WORKERS ?= 2
SIZE ?= xs
PEERS_READY := .venv-peers/.ready
WEB_READY := .ci/web/node_modules/.ready
SHOTS ?= dist/screenshots
HOSTS_READY := .ci/hosts/node_modules/.ready
OIDC_READY := .ci/oidc/node_modules/.ready

# What `fleetcast.fleet.workers` sets up for a worker, beside the BLAS threads below.
AS_A_WORKER := POLARS_MAX_THREADS=1 _RJEM_MALLOC_CONF=narenas:1,dirty_decay_ms:100,muzzy_decay_ms:0

# One BLAS thread per process: two cost two to six times the CPU on matrices this small.
export OMP_NUM_THREADS := 1
export OPENBLAS_NUM_THREADS := 1
export MKL_NUM_THREADS := 1

.PHONY: help
help: ## Print this list.
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-20s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: setup
setup: $(READY) ## Install everything into .venv (runs by itself; PYTHON=python3.12 picks an interpreter).

$(READY): uv.lock pyproject.toml .ci/bootstrap
	@.ci/bootstrap $(VENV)
	@touch $@

.PHONY: demo
demo: $(READY) ## Simulate a retailer of 14 regions in demo/ and run its week, from raw files to forecasts.
	@$(BIN)/fleetcast demo --workspace demo

.PHONY: test
test: $(READY) ## Run the tests (WORKERS=2 processes), all but those that have a target of their own below.
	@$(BIN)/pytest -q -n $(WORKERS) --dist worksteal -m "not (cluster or defects or delivery or hosts or orchestration or served or typed or web)"

.PHONY: test-docs
test-docs: $(READY) ## Type every page of the guide that can be typed, from top to bottom (5 minutes).
	@$(BIN)/pytest -q -n $(WORKERS) --dist worksteal -m typed tests/docs

.PHONY: test-delivery
test-delivery: $(READY) ## Run the tests that install artifacts and bring them to production, the story included (10 minutes).
	@$(BIN)/pytest -q -n $(WORKERS) --dist loadfile -m delivery tests/delivery tests/examples

.PHONY: test-api
test-api: $(READY) ## Run the tests that start a server: hostile clients, and EXAMPLES=300 of each operation of its OpenAPI document.
	@EXAMPLES=$(EXAMPLES) $(BIN)/pytest -q -n 0 -m served tests/faces

.PHONY: test-defects
test-defects: $(READY) ## Plant a kept list of defects, one at a time, and see each noticed by the tests (5 minutes).
	@$(BIN)/pytest -q -n $(WORKERS) --dist worksteal -m defects tests/defects

.PHONY: demo-delivery
demo-delivery: $(READY) ## Play the road of code and data from a branch to production and back, on a scratch repository (5-10 minutes).
	@$(BIN)/python examples/delivery/story.py

.PHONY: demo-year
demo-year: $(READY) ## Play a year of the fleet with troubles planted into it (SCENARIO=file SEED=n; 7 CPU minutes).
	@POLARS_MAX_THREADS=1 $(BIN)/python examples/year/year.py $(if $(SCENARIO),--scenario "$(SCENARIO)") $(if $(SEED),--seed $(SEED))

.PHONY: test-cluster
test-cluster: $(READY) ## Run the tests that start Ray clusters on this machine (5 minutes).
	@$(BIN)/pytest -q -n 0 -m cluster tests/fleet

.PHONY: test-up
test-up: $(READY) ## Run the tests of `fleetcast up` and of Dagster, with what is killed and goes on (5 minutes).
	@$(BIN)/pytest -q -n 0 -m orchestration tests/orchestration

.PHONY: test-hosts
test-hosts: $(READY) $(HOSTS_READY) ## Hold emitted workflow files against GitHub's own parser (needs Node 20 and npm).
	@$(BIN)/pytest -q -n 0 -m hosts tests/delivery

.PHONY: test-web
test-web: $(READY) $(WEB_READY) $(OIDC_READY) ## Look at every page in Chromium, wide and narrow, light and dark, and sign in with a provider (needs chromium and npm).
	@$(BIN)/pytest -q -n 0 -m web tests/faces/web

.PHONY: screenshots
screenshots: $(READY) $(WEB_READY) $(OIDC_READY) ## The same, and leave pictures of all pages in dist/screenshots (SHOTS=folder).
	@mkdir -p $(SHOTS)
	@SCREENSHOTS=$(SHOTS) $(BIN)/pytest -q -n 0 -m web tests/faces/web

.PHONY: pictures
pictures: $(READY) ## Take the pictures of README and guide, of the demo (needs chromium; `make demo` first).
	@$(BIN)/python -m tests.faces.web.pictures demo docs/pictures

$(WEB_READY): .ci/web/package.json .ci/web/package-lock.json
	@command -v npm >/dev/null || { echo "axe-core comes from npm, which is not here. Install it (Debian, Ubuntu: apt install npm chromium)" >&2; exit 3; }
	@npm ci --prefix .ci/web --no-audit --no-fund --silent
	@touch $@

$(HOSTS_READY): .ci/hosts/package.json .ci/hosts/package-lock.json
	@{ command -v node && command -v npm; } >/dev/null || { echo "The parser of workflow files runs on Node 20, which is not here. Install it with npm (Debian, Ubuntu: apt install nodejs npm)" >&2; exit 3; }
	@npm ci --prefix .ci/hosts --no-audit --no-fund --silent
	@touch $@

$(OIDC_READY): .ci/oidc/package.json .ci/oidc/package-lock.json
	@{ command -v node && command -v npm; } >/dev/null || { echo "The provider that tests sign in with runs on Node 20, which is not here. Install it with npm (Debian, Ubuntu: apt install nodejs npm)" >&2; exit 3; }
	@npm ci --prefix .ci/oidc --no-audit --no-fund --silent
	@touch $@

.PHONY: check
check: $(READY) ## Check format, lint, types, import contracts, change notes and reference pages.
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo
	@$(BIN)/python .ci/habits.py
	@$(BIN)/python .ci/reference.py --check

.PHONY: format
format: $(READY) ## Format the code and mend what ruff can mend.
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

.PHONY: docs
docs: $(READY) ## Write the reference pages of docs/ (commands, settings, tables) from the code.
	@$(BIN)/python .ci/reference.py

.PHONY: bench-orange-juice
bench-orange-juice: $(READY) ## Replay Microsoft's orange-juice protocol; DATA=folder with yx.csv and storedemo.csv (ROUNDS=2 ALONE=1: quickly, without LightGBM).
	@test -n "$(DATA)" || { echo "Say where the data are: make bench-orange-juice DATA=path/to/orange-juice (how to get them: examples/orange-juice/README.md)" >&2; exit 2; }
	@$(BIN)/python benchmarks/orange_juice.py --data "$(DATA)" $(if $(ROUNDS),--rounds $(ROUNDS)) $(if $(ALONE),--without-lightgbm)

.PHONY: bench-transfer
bench-transfer: $(READY) ## Measure what a young segment gains from a donor, at 8, 16 and 26 weeks (1 CPU minute).
	@$(BIN)/python benchmarks/transfer.py

.PHONY: bench-detection
bench-detection: $(READY) ## Measure how soon alarms find errors that grew, and how often they and drifts are false (3 CPU minutes).
	@POLARS_MAX_THREADS=1 $(BIN)/python benchmarks/detection.py

.PHONY: bench-retailer
bench-retailer: $(READY) ## Hold the fleet's week on a frozen simulated retailer against the truth (7 CPU minutes).
	@$(BIN)/python benchmarks/retailer.py

.PHONY: bench
bench: $(READY) $(if $(PEERS),$(PEERS_READY)) ## Measure the weekly cycle at SIZE=xs, s or full, stage by stage; PEERS=1 beside mlforecast; CHECK=1 against its limit.
	@$(AS_A_WORKER) $(BIN)/python benchmarks/cycle.py --size $(SIZE) $(if $(PEERS),--peers) $(if $(CHECK),--check)

.PHONY: bench-local
bench-local: $(READY) ## Measure what model validation of the demo's sample takes, on a laptop's terms (1 CPU minute).
	@$(BIN)/python benchmarks/local.py

.PHONY: bench-recovery
bench-recovery: $(READY) ## Kill `fleetcast up` and all it started at random points of a week, TRIALS=20 times, and start it again; SCHEDULER=own or dagster.
	@$(BIN)/python benchmarks/recovery.py $(if $(TRIALS),--trials $(TRIALS)) $(if $(SCHEDULER),--scheduler $(SCHEDULER))

.PHONY: bench-sizing
bench-sizing: $(READY) ## Work out from the newest `make bench` of each size what a larger fleet costs a week, and simulate it; REGIONS, MODELS.
	@$(BIN)/python benchmarks/sizing.py $(if $(REGIONS),--regions $(REGIONS)) $(if $(MODELS),--models $(MODELS))

.PHONY: bench-pages
bench-pages: $(READY) ## Measure what the pages of a fleet of 5,040 models cost the server (1 CPU minute).
	@$(BIN)/python -W ignore benchmarks/pages.py

.PHONY: bench-serve
bench-serve: $(READY) ## Measure what serving a forecast costs, and how soon 16 clients are answered, also while a week is scored.
	@$(BIN)/python benchmarks/serving.py $(if $(SERVED),--workspace "$(SERVED)")

.PHONY: bench-models
bench-models: $(READY) ## Measure what each of ten thousand small models costs to train, and to register, release and promote.
	@$(BIN)/python benchmarks/models.py

$(PEERS_READY): uv.lock pyproject.toml $(READY)
	@UV_PROJECT_ENVIRONMENT=.venv-peers VIRTUAL_ENV= $(BIN)/uv sync --frozen --quiet --only-group bench --python $(BIN)/python
	@touch $@

.PHONY: clean
clean: ## Remove the demo and all caches; .venv stays.
	@rm -rf demo .demo-truth .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis dist
	@find src tests examples benchmarks -name __pycache__ -type d -prune -exec rm -rf {} + 2>/dev/null || true
