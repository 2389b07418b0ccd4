# `make demo` runs a real pipeline on this host; `make test` proves everything. Both set up all they need.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

PYTHON ?= python3
CACHE := $(or $(C8S_CACHE),$(or $(XDG_CACHE_HOME),$(HOME)/.cache)/c8s)
UV_VERSION := 0.13.8
UV := $(shell command -v uv 2>/dev/null || echo $(CACHE)/uv-$(UV_VERSION)/bin/uv)
BIN := .venv/bin
export C8S_CACHE := $(CACHE)

.PHONY: help
help: ## Say what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

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

lock: | $(UV) ## Pin the newest versions that fit
	$(UV) pip compile --quiet --universal --upgrade --python-version 3.11 --no-annotate --no-header \
	  --no-emit-index-url --no-emit-find-links pyproject.toml requirements/dev.in -o requirements/dev.txt
	$(UV) pip compile --quiet --universal --python-version 3.11 --no-annotate --no-header \
	  --no-emit-index-url --no-emit-find-links --constraint requirements/dev.txt pyproject.toml -o requirements/product.txt

.PHONY: clean
clean: ## Remove what was made in the checkout
	rm -rf .venv dist .mypy_cache .pytest_cache .ruff_cache .hypothesis
