# Every command sets up what it needs; `make help` lists them.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

PYTHON ?= python3
STAGE ?= dev
PLATFORM ?= lambda
VENV := .venv
BIN := $(VENV)/bin
# The emulator pins its own botocore, so it gets an environment inside ours.
EMULATOR := $(VENV)/emulator

export SLS_SCHEMA_CACHE_BASE_DIR := $(CURDIR)/node_modules/.cache/osls
export SLS_TELEMETRY_DISABLED := 1
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: help
help: ## list the commands
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/make \1|\2/p' $(MAKEFILE_LIST) | column -t -s '|'

.PHONY: setup
setup: $(VENV)/.installed $(EMULATOR)/.installed node_modules/.installed ## install everything below this folder

$(VENV)/.installed: requirements/dev.txt
	@echo "== Python packages (once)"
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; say which: make PYTHON=python3.11 ...")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements/dev.txt
	@touch $@

$(EMULATOR)/.installed: requirements/emulator.txt $(VENV)/.installed
	@echo "== AWS emulator (once)"
	$(PYTHON) -m venv $(EMULATOR)
	$(EMULATOR)/bin/python -m pip install --quiet --require-hashes -r requirements/emulator.txt
	@touch $@

node_modules/.installed: package-lock.json
	@echo "== Deployment tool (once)"
	npm ci --no-audit --no-fund --loglevel=error
	@touch $@
