# Every command sets up what it needs; `make help` lists them.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

PYTHON ?= python3
STAGE ?= dev
MINUTES ?= 30
PLATFORM ?= lambda
# What `make template` checks.
STAGES := dev staging production local
# What ships first; the others are tools.
REQUIREMENTS := runtime dev emulator checkov
# Above what serverless.yml says for a stage, e.g. PARAMS="dryRun=false expectedAppIds=1250000000".
PARAMS ?=
OVERRIDES = $(foreach param,$(PARAMS),--param='$(param)')
VENV := .venv
BIN := $(VENV)/bin
# The emulator pins its own botocore, so it gets an environment inside ours.
EMULATOR := $(VENV)/emulator
# So does what only `make checkov` runs: it is half as large as everything else together.
CHECKOV := $(VENV)/checkov
OSLS := node_modules/.bin/osls
# What is locked is whole, so nothing is resolved again: pip would meet newer releases, for which there is no hash.
# Most of it is never imported: what is gets compiled then.
INSTALL := -m pip install --quiet --no-compile --require-hashes --no-deps -r
# Hashes for every platform, and no word on where the packages came from.
COMPILE = $(CURDIR)/$(BIN)/uv pip compile --quiet --universal --generate-hashes --python-version 3.11 \
	--no-emit-index-url --no-emit-find-links --no-annotate \
	--custom-compile-command "make requirements" $(if $(UPGRADE),--upgrade)

# Compiles for Lambda, where `python3.13` is not on the path.
PYTHON313 ?=
export PYTHON313
# boto3 knows the second name only; serverless.yml goes by the first.
ifneq ($(AWS_REGION)$(AWS_DEFAULT_REGION),)
export AWS_DEFAULT_REGION := $(or $(AWS_REGION),$(AWS_DEFAULT_REGION))
endif
export SLS_SCHEMA_CACHE_BASE_DIR := $(CURDIR)/node_modules/.cache/osls
export SLS_TELEMETRY_DISABLED := 1
# osls' AWS SDK speaks at length of Node versions to come.
export NODE_NO_WARNINGS := 1
export PIP_DISABLE_PIP_VERSION_CHECK := 1
MAKEFLAGS += --no-print-directory

.PHONY: help
help: ## list the commands
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: setup
setup: ## install everything below this folder
	@$(MAKE) --jobs=3 installed

.PHONY: installed
installed: $(VENV)/.installed $(BIN)/ses-blocklist $(EMULATOR)/.installed node_modules/.installed

# Asked first: a tool that is missing should not show after a minute of installing.
.PHONY: tools
tools:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; say which: make PYTHON=python3.11 ...")'
	@command -v npm >/dev/null || { echo 'Node and npm are needed: Node 20.19, 22.13, or 24 and newer' >&2; exit 1; }
	@node -e 'const [a, b] = process.versions.node.split(".").map(Number); if (!(a >= 24 || (a === 22 && b >= 13) || (a === 20 && b >= 19))) { console.error(`Node $${process.version} is not enough: 20.19, 22.13, or 24 and newer`); process.exit(1) }'

$(BIN)/python: | tools
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: requirements/dev.txt | $(BIN)/python
	@echo "== Python packages (once, about half a minute)"
	@$(BIN)/python $(INSTALL) requirements/dev.txt
	@$(BIN)/python -m pip check --quiet
	@touch $@

# The operator's command line, from any folder. -P: none of that folder's files may pass for ours.
$(BIN)/ses-blocklist: $(VENV)/.installed Makefile
	@printf '#!/bin/sh\nPYTHONPATH="%s" exec "%s/$(BIN)/python" -P -m cli "$$@"\n' '$(CURDIR)' '$(CURDIR)' > $@
	@chmod +x $@

$(CHECKOV)/.installed: requirements/checkov.txt | $(BIN)/python
	@echo "== checkov (once, about half a minute)"
	@$(PYTHON) -m venv $(CHECKOV)
	@$(CHECKOV)/bin/python $(INSTALL) requirements/checkov.txt
	@$(CHECKOV)/bin/python -m pip check --quiet
	@touch $@

$(EMULATOR)/.installed: requirements/emulator.txt | $(BIN)/python
	@echo "== AWS emulator (once)"
	@$(PYTHON) -m venv $(EMULATOR)
	@$(EMULATOR)/bin/python $(INSTALL) requirements/emulator.txt
	@$(EMULATOR)/bin/python -m pip check --quiet
	@touch $@

node_modules/.installed: package-lock.json | tools
	@echo "== Deployment tool (once)"
	@npm ci --no-audit --no-fund --no-update-notifier --loglevel=error
	@touch $@

.PHONY: demo
demo: setup ## the whole pipeline on this machine; KEEP=1 leaves it running
	@$(MAKE) package PLATFORM=local
	@exec env KEEP='$(KEEP)' $(BIN)/python -m local.demo

.PHONY: account
account: setup ## an empty AWS account on this machine, to rehearse deployments in
	@exec $(BIN)/python -m local.account

.PHONY: test
test: setup ## every test, with the stack on this machine, and the coverage
	@$(MAKE) package PLATFORM=local
	@exec $(BIN)/python -m pytest --cov --numprocesses 4 --dist loadfile --no-loadscope-reorder

.PHONY: unit
unit: setup ## the tests that need no stack and no package
	@exec $(BIN)/python -m pytest -m 'not integration' --ignore=tests/infra

.PHONY: judge
judge: setup ## how the default policy does on labelled replies: wrong blocks and missed ones
	@$(BIN)/python -m tests.evaluation.reasons

.PHONY: bench
bench: setup ## what it costs, against what stands beside it; GROUPS="handling cold" for a part
	@$(MAKE) package PLATFORM=local
	@exec $(BIN)/python -m bench $(GROUPS)

.PHONY: faults
faults: setup ## break one thing after the other on the running stack; FAULTS="killed HTML --flood 5000" for some
	@$(MAKE) package PLATFORM=local
	@exec $(BIN)/python -m tests.faults $(FAULTS)

.PHONY: soak
soak: setup ## the model that tries to lose mail, for MINUTES=30
	@exec $(BIN)/python -m tests.model.soak --minutes $(MINUTES)

.PHONY: pins
pins: setup ## do requirements/*.txt still answer to their *.in?
	@$(BIN)/python -m infra.requirements

.PHONY: lint
lint: setup ## format and rules (ruff)
	@$(BIN)/ruff format --check
	@$(BIN)/ruff check

.PHONY: types
types: setup ## types (mypy, strict)
	@$(BIN)/mypy

.PHONY: imports
imports: setup ## which part may know which (import-linter)
	@$(BIN)/lint-imports --no-cache --no-logo

# W3005: osls writes a DependsOn where a reference says it already.
.PHONY: template
template: setup ## dist/templates: plain CloudFormation for every stage and door, checked by cfn-lint, and the package to go with it
	@$(BIN)/python -m infra.package
	@$(BIN)/python -m infra.template $(STAGES) $(OVERRIDES)
	@$(BIN)/cfn-lint --ignore-checks W3005 --template dist/templates/*.json infra/deploy_role.yml
	@echo "$(STAGES), and every door: no complaint"

.PHONY: checkov
checkov: template $(CHECKOV)/.installed ## the compiled templates again, by checkov; infra/checkov.yml says what it may skip
	@cd dist/templates && ../../$(CHECKOV)/bin/checkov --config-file ../../infra/checkov.yml --directory .
	@$(CHECKOV)/bin/checkov --config-file infra/checkov.yml --file infra/deploy_role.yml

.PHONY: audit
audit: setup ## is any pinned package known to be vulnerable? Asks an advisory service, so the gate does not run it
	@$(BIN)/pip-audit --strict --disable-pip --require-hashes $(REQUIREMENTS:%=--requirement requirements/%.txt)

.PHONY: zizmor
zizmor: setup ## the workflows, offline
	@$(BIN)/zizmor --offline --no-progress --quiet --strict-collection --persona pedantic .github

.PHONY: package
package: setup ## dist/PLATFORM: functions.zip, sbom.cdx.json, template.json; PLATFORM=lambda STAGE=dev, or PLATFORM=local
	@$(BIN)/python -m infra.package --platform $(PLATFORM) --stage $(STAGE) $(OVERRIDES)

.PHONY: deploy
deploy: setup named ## package and deploy: STAGE=..., with PARAMS="dryRun=false ..." above what the stage says; BUILT=1 takes the package that is there
	@$(BIN)/python -m infra.package --platform $(if $(filter local,$(STAGE)),local,lambda) --stage $(STAGE) \
		--deployable $(if $(BUILT),--built) $(OVERRIDES)
	@$(OSLS) deploy --stage $(STAGE) $(OVERRIDES)
	@exec $(OSLS) info --stage $(STAGE) --verbose

.PHONY: smoke
smoke: setup named ## post one callback that blocks nobody to STAGE=..., and wait until it is counted
	@$(BIN)/python -m infra.smoke ses-blocklist-$(STAGE)

.PHONY: live
live: setup named ## which deployment STAGE=... runs, for `make rollback`
	@$(BIN)/python -m infra.live ses-blocklist-$(STAGE)

.PHONY: rollback
rollback: setup named ## put template and package of an earlier deployment back: STAGE=... TO=what `make live` said then
	@test -n '$(TO)' || { echo 'Back to which? `make live STAGE=$(STAGE)` said it before; these are kept:' >&2; $(OSLS) deploy list --stage $(STAGE) >&2; exit 2; }
	@$(OSLS) rollback --stage $(STAGE) --timestamp '$(TO)'

.PHONY: remove
remove: setup named ## delete what STAGE=... deployed, but for its queues, ledger and secrets; FORCE=1 though messages wait
	@$(if $(filter 1,$(FORCE)),,$(BIN)/python -m infra.removal $(STAGE))
	@$(OSLS) remove --stage $(STAGE)
	@echo 'Still there: the two queues with what waits in them, the ledger, and the secrets under /ses-blocklist/$(STAGE)/ in SSM.'

# Nobody means the default stage or region when an account is about to change.
.PHONY: named
named:
	@case '$(origin STAGE):$(STAGE)' in \
	file:* | *:) echo 'Which stage? Add STAGE=dev, staging or production.' >&2; exit 2 ;; \
	*:local) case "$$AWS_ENDPOINT_URL" in \
		http://127.0.0.1:*) ;; \
		*) echo 'The stage local lives on this machine: make demo, or say AWS_ENDPOINT_URL=http://127.0.0.1:PORT' >&2; exit 2 ;; \
		esac ;; \
	esac; case '$(STAGE)' in \
	*[!a-z0-9-]*) echo 'A stage is named with small letters, digits and hyphens.' >&2; exit 2 ;; \
	esac
	@test -n "$$AWS_REGION$$AWS_DEFAULT_REGION" || { echo 'Which region? For example: export AWS_REGION=ap-southeast-1' >&2; exit 2; }

.PHONY: requirements
requirements: setup ## compile requirements/*.in to *.txt; UPGRADE=1 takes newer versions where they are allowed
	@cd requirements && $(COMPILE) runtime.in --output-file runtime.txt
	@cd requirements && $(COMPILE) dev.in --output-file dev.txt --constraint runtime.txt
	@cd requirements && $(COMPILE) emulator.in --output-file emulator.txt
	@cd requirements && $(COMPILE) checkov.in --output-file checkov.txt
	@$(MAKE) pins
