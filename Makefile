# `make demo` runs a real pipeline on this host; `make test` proves everything. Both set up all they need.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

PYTHON ?= python3
CACHE := $(or $(C8S_CACHE),$(or $(XDG_CACHE_HOME),$(HOME)/.cache)/c8s)
UV_VERSION := 0.13.8
UV := $(shell command -v uv 2>/dev/null || echo $(CACHE)/uv-$(UV_VERSION)/bin/uv)
BIN := .venv/bin
CORES := $(shell getconf _NPROCESSORS_ONLN)
# This checkout as ansible_collections.c8s.ci: a link to it, and a copy of what git would keep of it.
TREE = $(shell cat .venv/lib/python3*/site-packages/c8s_collection.pth)
COPY = $(TREE).copy
COLLECTION = ansible_collections/c8s/ci
# What each rung leaves for the count at the end, as JUnit XML.
RESULTS := $(CURDIR)/tests/output/rungs
export C8S_CACHE := $(CACHE)
export C8S_UV := $(UV)
export PATH := $(CURDIR)/$(BIN):$(PATH)

.PHONY: help
help: ## Say what can be made
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# --- environment -------------------------------------------------------------------------------

$(CACHE)/uv-$(UV_VERSION)/bin/uv:
	$(PYTHON) -m venv $(CACHE)/uv-$(UV_VERSION)
	$(CACHE)/uv-$(UV_VERSION)/bin/pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)

# The product alone, as an operator would have it, linked to this checkout.
.venv/.product: requirements/product.txt pyproject.toml galaxy.yml scripts/link-collection | $(UV)
	$(UV) venv --quiet --allow-existing --python $(PYTHON) .venv
	$(UV) pip install --quiet --python $(BIN)/python -r requirements/product.txt
	$(UV) pip install --quiet --python $(BIN)/python --no-deps --editable .
	scripts/link-collection $(BIN)/python $(CACHE)
	@touch $@

# What the tests and linters need beside it.
.venv/.dev: requirements/dev.txt .venv/.product | $(UV)
	$(UV) pip install --quiet --python $(BIN)/python -r requirements/dev.txt
	@touch $@

.PHONY: env dev-env lock
env: .venv/.product ## Make .venv with the product in it
dev-env: .venv/.dev

COMPILE = $(UV) pip compile --quiet --universal --python-version 3.11 --no-annotate --no-header \
  --no-emit-index-url --no-emit-find-links
OLDER_CORES := 2.17 2.18

lock: | $(UV) ## Pin the newest versions that fit
	$(COMPILE) --upgrade pyproject.toml requirements/dev.in -o requirements/dev.txt
	$(COMPILE) --constraint requirements/dev.txt pyproject.toml -o requirements/product.txt
	for core in $(OLDER_CORES); do \
	  echo "ansible-core==$$core.*" | $(COMPILE) --upgrade pyproject.toml requirements/units.in - \
	    -o requirements/core-$$core.txt; \
	done
	$(COMPILE) --upgrade requirements/bench.in -o requirements/bench.txt

# --- the ladder --------------------------------------------------------------------------------

# Rungs that have no test yet are left out; every other one has to show at least one result.
FOLDERS := integration e2e faults
RUNGS := lint unit sanity $(foreach rung,$(FOLDERS),$(if $(shell find tests/$(rung) -name 'test_*.py' -print -quit 2>/dev/null),$(rung)))

.PHONY: test
test: dev-env ## Prove everything: lint, unit, sanity, integration, e2e, faults
	@MAKE='$(MAKE)' $(BIN)/python scripts/ladder.py $(RESULTS) $(RUNGS)

LINTS := lint-ruff lint-format lint-mypy lint-floors lint-shell lint-yaml lint-ansible lint-docs lint-changelog
CHECK = @$(BIN)/python scripts/check.py $(RESULTS)/lint $(@:lint-%=%)

.PHONY: lint $(LINTS)
lint: dev-env ## Every linter, and the floors of the house
	@$(MAKE) --no-print-directory --keep-going --jobs=$(CORES) --output-sync=target $(LINTS)

lint-ruff: dev-env
	$(CHECK) ruff check .
lint-format: dev-env
	$(CHECK) ruff format --check .
# Under its own name the collection is only found through the tree; what is said of it is shown by its place here.
TYPED := $(foreach room,module_utils action filter callback inventory,\
  $(if $(shell find plugins/$(room) -name '*.py' -print -quit 2>/dev/null),plugins/$(room)))
lint-mypy: dev-env
	$(CHECK) bash -o pipefail -c 'MYPYPATH=$(TREE):src:tests mypy $(TYPED:%=$(TREE)/$(COLLECTION)/%) \
	  src scripts $(if $(wildcard tests/kube/*.py),tests/kube) | sed "s#$(TREE)/$(COLLECTION)/##"'
lint-floors: dev-env
	$(CHECK) python scripts/floors.py
lint-shell: dev-env
	@scripts/system-packages shellcheck:shellcheck
	$(CHECK) shellcheck .ci/run scripts/link-collection scripts/system-packages
lint-yaml: dev-env
	$(CHECK) yamllint --strict .
lint-ansible: dev-env
	$(CHECK) ansible-lint --nocolor --offline --profile production
lint-docs: dev-env
	$(CHECK) antsibull-docs lint-collection-docs --plugin-docs .
lint-changelog: dev-env
	$(CHECK) antsibull-changelog lint


.PHONY: unit unit-new
unit: dev-env unit-new $(OLDER_CORES:%=unit-%) ## Unit tests, also on ansible-core 2.17 and 2.18
unit-new: dev-env
	python -m pytest -n $(CORES) --junitxml=$(RESULTS)/unit/core-2.19.xml tests/unit

# What touches Ansible runs on the older ones too, each in an environment of its own.
define older_core
CORE_$(1) := $(CACHE)/core-$(1)-$(shell sha256sum requirements/core-$(1).txt | cut -c1-12)
$$(CORE_$(1))/.made: | $(UV)
	$(UV) venv --quiet --clear --python $(PYTHON) $$(@D)
	$(UV) pip install --quiet --python $$(@D)/bin/python -r requirements/core-$(1).txt
	@touch $$@
.PHONY: unit-$(1)
unit-$(1): dev-env $$(CORE_$(1))/.made
	@if find tests/unit/plugins -name 'test_*.py' 2>/dev/null | grep -q .; then \
	  PYTHONPATH="$$(TREE):$(CURDIR)/src" PATH="$$(CORE_$(1))/bin:$$$$PATH" \
	  python -m pytest -n $(CORES) --junitxml=$(RESULTS)/unit/core-$(1).xml \
	    -o junit_suite_name=core-$(1) tests/unit/plugins; \
	else echo "tests/unit/plugins holds no test yet"; fi
endef
$(foreach core,$(OLDER_CORES),$(eval $(call older_core,$(core))))

.PHONY: sanity sanity-ansible-test sanity-package
sanity: dev-env ## What Ansible's community asks, and both packages in empty environments
	@$(MAKE) --no-print-directory --keep-going sanity-ansible-test sanity-package

sanity-ansible-test: dev-env
	@scripts/system-packages shellcheck:shellcheck
	python scripts/copy_checkout.py $(COPY)
	python scripts/ansible_test_home.py $(CACHE)/ansible-test
	rm -rf $(COPY)/$(COLLECTION)/tests/output/junit $(RESULTS)/sanity/ansible-test
	status=0; (cd $(COPY)/$(COLLECTION) && HOME=$(CACHE)/ansible-test ansible-test sanity --venv \
	  --python $$(python -c 'import sys; print("%d.%d" % sys.version_info[:2])') --junit --color no) || status=$$?; \
	mkdir -p $(RESULTS)/sanity; \
	cp -r $(COPY)/$(COLLECTION)/tests/output/junit $(RESULTS)/sanity/ansible-test; exit $$status

sanity-package: dev-env
	python -m pytest --junitxml=$(RESULTS)/sanity/package.xml tests/sanity

.PHONY: $(FOLDERS)
integration: ## Modules and adapters against real servers and engines
e2e: ## Pipelines from end to end on a real node
faults: ## Kills, cuts, full disks and dead servers
$(FOLDERS): dev-env
	@scripts/system-packages $(TEST_PACKAGES)
	python -m pytest --junitxml=$(RESULTS)/$@/$@.xml tests/$@
# Debian packages that these rungs want, PACKAGE:PROGRAM.
TEST_PACKAGES := docker.io:dockerd podman:podman runc:runc uidmap:newuidmap openssh-server:sshd

# --- to look at --------------------------------------------------------------------------------

.PHONY: demo bench
demo: env ## Run the sample pipeline on this host
	ansible-playbook -i inventory c8s.ci.demo

# kubernetes.core in an environment of its own, to be measured against.
PEERS := $(CACHE)/bench-$(shell sha256sum requirements/bench.txt | cut -c1-12)
$(PEERS)/.made: | $(UV)
	$(UV) venv --quiet --clear --python $(PYTHON) $(@D)
	$(UV) pip install --quiet --python $(@D)/bin/python -r requirements/bench.txt
	@touch $@

bench: dev-env cluster-build $(PEERS)/.made ## Measure, and write benchmarks/RESULTS.md
	C8S_BENCH_PEERS=$(PEERS) python benchmarks/run.py

.PHONY: clean
clean: ## Remove what was made in the checkout
	rm -rf .venv dist .mypy_cache .pytest_cache .ruff_cache .hypothesis .ansible tests/output

.PHONY: image
IMAGE ?= c8s-agent:$(shell sed -n 's/^version: //p' galaxy.yml)
ENGINE ?= $(or $(shell command -v docker),podman)
image: ## Build the image of the agent that runs in step pods (IMAGE=name:tag, ENGINE=podman)
	$(ENGINE) build --file images/agent/Dockerfile --tag $(IMAGE) .

include tests/kube/cluster.mk
