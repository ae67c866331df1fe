# Everything one does with this repository. `make demo` and `make test` are all a stranger needs.
#
# Needs python3 (3.11 or later) with pip and venv, and make; nothing else, no key, no account.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-builtin-rules --no-print-directory
.DELETE_ON_ERROR:

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PEERS := .venv-peers
UV := $(BIN)/uv --quiet
# Believe whom the machine believes: behind a company's proxy, uv's own list of authorities would refuse the index.
export UV_SYSTEM_CERTS ?= $(if $(wildcard /etc/ssl/certs/ca-certificates.crt),true,false)
# Bytecode is made here, once: a process that may not write it, as in a container, would compile at every start.
INSTALL := VIRTUAL_ENV=$(VENV) $(UV) pip install --require-hashes --no-build --compile-bytecode
# Two workers: the machines this must pass on have two cores.
WORKERS ?= 2
PYTEST := $(BIN)/python -m pytest -n $(WORKERS) --dist loadgroup

.PHONY: help demo test check-fast lint bench prove calibrate model lock clean setup

help:  ## list the targets
	@sed -nE 's/^([a-z-]+):.*## (.*)/make \1|\2/p' $(MAKEFILE_LIST) | while IFS='|' read -r t h; do printf '%-18s %s\n' "$$t" "$$h"; done

demo: $(VENV)/run.stamp  ## the whole line on a local exchange, killed and recovered; BARS=file.parquet for real bars
	@$(BIN)/trading-system demo $(if $(BARS),--bars "$(BARS)")

test: $(VENV)/test.stamp lint  ## what CI runs: format, lint, types, import contracts, every test, doctest and example
	@echo "== tests, doctests, examples, README"
	@$(PYTEST)

check-fast: $(VENV)/test.stamp lint  ## under 20 seconds: all of that but the slow and the integration tests
	@$(PYTEST) -m "not slow" --hypothesis-profile=fast src tests/unit tests/test_house.py

lint: $(VENV)/test.stamp
	@echo "== format"; $(BIN)/ruff format --check --quiet .
	@echo "== lint"; $(BIN)/ruff check --quiet .
	@echo "== types"; $(BIN)/mypy --no-error-summary --num-workers $(WORKERS)
	@echo "== import contracts"; $(BIN)/lint-imports --no-logo > $(VENV)/lint-imports.log || { cat $(VENV)/lint-imports.log; exit 1; }

bench: $(VENV)/test.stamp $(PEERS)/stamp  ## measure speed on this machine beside other engines; BENCH="--quick"
	@$(BIN)/python -m scripts.bench $(BENCH)

prove: $(VENV)/test.stamp  ## the long proofs, whole; their tables go to docs/proofs
	@$(call script,scripts/prove.py)
	@$(call script,scripts/prove_data.py)

calibrate: $(VENV)/test.stamp  ## fit the synthetic market again to real bars, and write its page; DATA=folder
	@$(BIN)/python scripts/calibrate.py $(if $(DATA),--data "$(DATA)")

model: $(VENV)/test.stamp  ## train again the small model that ships with the package
	@$(call script,scripts/model.py)

lock: $(BIN)/uv  ## work out requirements/*.txt again from pyproject.toml
	@$(call compile,run.txt,pyproject.toml requirements/build.in --constraints requirements/pins.in)
	@$(call compile,test.txt,pyproject.toml requirements/build.in --all-extras --constraints requirements/run.txt \
	  --excludes requirements/excludes.txt --no-emit-package torch)
	@$(call compile,uv.txt,requirements/uv.in)
	@$(call compile,peers.txt,requirements/peers.in)

setup: $(VENV)/test.stamp  ## the virtual environment with everything, for developing

clean:  ## remove the virtual environments, caches and what runs left behind
	rm -rf $(VENV) $(PEERS) build dist runs .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find src tests scripts -name __pycache__ -type d -prune -exec rm -rf {} +

# A script that is not there is said to be missing; it never looks as if it had run.
script = test -f $(1) || { echo "$(1) is not written yet: nothing was run" >&2; exit 2; }; $(BIN)/python $(1)
compile = $(UV) pip compile $(2) --universal --python-version 3.11 --generate-hashes --no-annotate \
  --custom-compile-command "make lock" --output-file requirements/$(1)

# Set-up. A stamp is younger than its lock or the lock is installed again; an unchanged lock costs nothing.
$(BIN)/uv: requirements/uv.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "$(PYTHON) is older than 3.11; name a newer one: make PYTHON=python3.11" >&2; exit 2; }
	@echo "Setting up $(VENV); the first time takes a minute or two."
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --require-hashes --requirement requirements/uv.txt
	@touch $@

$(VENV)/run.stamp: $(BIN)/uv requirements/run.txt pyproject.toml
	@$(INSTALL) --requirement requirements/run.txt
	@$(call ourselves)
	@touch $@

# torch last, and by pip: pip's settings may name a folder or index with the right build, which uv does not read.
$(VENV)/test.stamp: $(BIN)/uv requirements/test.txt requirements/torch.txt pyproject.toml
	@$(INSTALL) --requirement requirements/test.txt
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --no-compile --requirement requirements/torch.txt
	@$(call ourselves)
	@touch $@ $(VENV)/run.stamp

# Other people's engines, in an environment of their own: what they need may contradict what we need.
$(PEERS)/stamp: $(BIN)/uv requirements/peers.txt
	@echo "Setting up $(PEERS), other people's engines to measure beside ours (850 MB)."
	@$(UV) venv --clear --python $(BIN)/python $(PEERS)
	@VIRTUAL_ENV=$(PEERS) $(UV) pip install --require-hashes --only-binary :all: --no-binary ta --requirement requirements/peers.txt
	@touch $@

ourselves = VIRTUAL_ENV=$(VENV) $(UV) pip install --no-deps --no-build-isolation --editable . && $(BIN)/python -m compileall -q src
