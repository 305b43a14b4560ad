# Everything a checkout needs, from Python >= 3.11, git and make alone. `make` lists the commands.

VENV := .venv
BIN := $(VENV)/bin
LINKS := .editable/unrepeat/harness/__init__.py

# Running the candidate, not only finding it: version managers leave commands that exist and fail.
USABLE := import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))
ifeq ($(origin PYTHON),undefined)
PYTHON := $(shell for python in python3.13 python3.12 python3.11 python3 python; do \
	if "$$python" -c "$(USABLE)" >/dev/null 2>&1; then echo "$$python"; break; fi; done)
else
# Another interpreter than the one the environment was made with: made again.
SAME := import sys; print(sys.version, sys.base_prefix)
ifneq ($(shell "$(PYTHON)" -c "$(SAME)" 2>/dev/null),$(shell $(BIN)/python -c "$(SAME)" 2>/dev/null))
OUTDATED := force
endif
endif

# A moved checkout has a virtual environment that points elsewhere: made again.
ifneq ($(shell $(BIN)/python -c "" 2>/dev/null && cat $(VENV)/.made-at 2>/dev/null),$(CURDIR))
OUTDATED := force
endif
# `git clean -X` takes the links of the editable install: installed again.
ifeq ($(wildcard $(LINKS)),)
UNLINKED := force
endif

# What the caller's shell may carry and a virtual environment must not see.
unexport PYTHONHOME PYTHONPATH PIP_PREFIX PIP_TARGET PIP_USER
export PIP_DISABLE_PIP_VERSION_CHECK := 1
PIP := $(BIN)/python -m pip install --quiet
PINNED := $(PIP) --require-hashes -r
# No dependencies and no build isolation: everything it needs is pinned and already there.
EDITABLE := $(PIP) --no-deps --no-build-isolation -e .

.PHONY: help demo test lint format typecheck pyright coverage dev corpora clients bench dist lock clean force

help: ## List the commands
	@sed -n 's/^\([a-z]*\):.*## /  make \1|/p' Makefile | awk -F '|' '{ printf "%-18s%s\n", $$1, $$2 }'

demo: $(VENV)/.demo ## Set up, then replay the shipped incidents
	$(BIN)/unrepeat demo

test: lint typecheck ## Set up, then lint, check types and run the tests (PYTEST_ARGS="-k name")
	$(BIN)/python -m pytest $(PYTEST_ARGS)

lint: $(VENV)/.dev ## Check style and format
	$(BIN)/ruff check
	$(BIN)/ruff format --check

format: $(VENV)/.dev ## Put style and format right
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

typecheck: $(VENV)/.dev ## Check types with mypy
	$(BIN)/mypy

pyright: $(VENV)/.dev ## Check types with pyright, which fetches its own engine once
	$(BIN)/pyright

coverage: $(VENV)/.dev ## Run the tests and print what they do not reach
	$(BIN)/coverage erase
	$(BIN)/coverage run -m pytest $(PYTEST_ARGS)
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report

dev: $(VENV)/.dev ## Set up everything for development

corpora: $(VENV)/.corpora ## Add AgentDojo, for the tests over its recorded runs (heavy)

clients: $(VENV)/.clients ## Add official Python and Node clients, for the tests of the wire server

bench: $(VENV)/.bench ## Add the peers and run the benchmarks
	$(BIN)/python -m benchmarks $(BENCH_ARGS)

dist: $(VENV)/.dev ## Build the sdist, and the wheel from it, into dist/
	rm -rf dist
	$(BIN)/python -m build --no-isolation --outdir dist

$(VENV)/.made-at: $(OUTDATED)
ifeq ($(PYTHON),)
	@echo "unrepeat: needs Python 3.11 or later with venv and ensurepip, and found none." >&2
	@echo "Install it (Debian and Ubuntu: also python3-venv), or name it: make $(MAKECMDGOALS) PYTHON=/path/to/python3" >&2
	@exit 1
else
	@"$(PYTHON)" -c "$(USABLE)" || { echo "unrepeat: expected PYTHON to be 3.11 or later with venv and ensurepip, got $(PYTHON)." >&2; exit 1; }
	rm -rf $(VENV)
	"$(PYTHON)" -m venv $(VENV)
	@printf '%s\n' "$(CURDIR)" > $@
endif

# The pins of the demo are among those of development: whoever has the latter has both.
$(VENV)/.demo: $(VENV)/.made-at $(UNLINKED) requirements/demo.txt pyproject.toml hatch_build.py
	$(PINNED) requirements/demo.txt
	$(EDITABLE)
	@touch $@

$(VENV)/.dev: $(VENV)/.made-at $(UNLINKED) requirements/dev.txt pyproject.toml hatch_build.py
	$(PINNED) requirements/dev.txt
	$(EDITABLE)
	@touch $(VENV)/.demo $@

$(VENV)/.corpora: $(VENV)/.dev requirements/corpora.txt
	$(PINNED) requirements/corpora.txt
	@touch $@

# What npm adds needs node; without it the tests and benchmarks say so. No package's own script is run.
NPM = @if command -v npm >/dev/null; then cd $(1) && npm ci --ignore-scripts --no-audit --no-fund --silent; \
	else echo "unrepeat: no npm here, so only the Python packages were added." >&2; fi

$(VENV)/.clients: $(VENV)/.dev requirements/clients.txt tests/clients/package-lock.json
	$(PINNED) requirements/clients.txt
	$(call NPM,tests/clients)
	@touch $@

$(VENV)/.bench: $(VENV)/.dev requirements/bench.txt benchmarks/node/package-lock.json
	$(PINNED) requirements/bench.txt
	$(call NPM,benchmarks/node)
	@touch $@

# One resolution for every Python and platform. Existing pins stay; UPGRADE=1 takes the newest that fit.
COMPILE = $(VENV)/lock/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
	--no-emit-index-url --no-emit-find-links $(if $(UPGRADE),--upgrade)
lock: $(VENV)/.made-at ## Pin the dependencies again (UPGRADE=1 to raise them)
	$(BIN)/python -m venv $(VENV)/lock
	$(VENV)/lock/bin/python -m pip install --quiet uv
	$(COMPILE) pyproject.toml --all-extras --group dev -o requirements/dev.txt
	$(COMPILE) pyproject.toml --group setup -c requirements/dev.txt -o requirements/demo.txt
	$(COMPILE) --group corpora -c requirements/dev.txt -o requirements/corpora.txt
	$(COMPILE) --group clients -c requirements/dev.txt -c requirements/corpora.txt -o requirements/clients.txt
	$(COMPILE) --group bench -c requirements/dev.txt -o requirements/bench.txt

clean: ## Remove what the other commands made
	rm -rf $(VENV) .editable build dist htmlcov .coverage .coverage.* .hypothesis .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
