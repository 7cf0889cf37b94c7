# Everything a developer does.  `make check` is what CI runs, and nothing else is.
PYTHON ?= python3
BIN := .venv/bin
# Three at a time, on two CPUs, too: the slow ones wait (tests/scheduling.py).
PYTEST := $(BIN)/pytest -n 3
TOOLS := tests/integration/tools
LOCKED := .venv/locked
INSTALLED := .venv/installed
COMPILE := $(BIN)/pip-compile --quiet --generate-hashes --allow-unsafe --strip-extras --no-header \
	--no-emit-index-url --no-emit-trusted-host --no-emit-find-links --no-emit-options

# Hundreds of processes load the same modules: what is compiled is kept, whatever a shell says.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help install lock demo up down test check check-tools lint types contracts format bench
.PHONY: browser screenshots console check-console battery battery-bugs bench-peers pages clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "%-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: $(INSTALLED) console ## Make .venv from the locks (again only if they changed)

$(LOCKED): requirements/dev.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=...")'
	$(PYTHON) -m venv --clear .venv
	@$(BIN)/python requirements/install.py requirements/dev.txt
	@touch $@

# Entry points are read at installation, so a change of setup.cfg is one too.
# (setuptools warns of any editable install whose folders have other names; ours do on purpose.)
$(INSTALLED): $(LOCKED) setup.cfg setup.py pyproject.toml
	PYTHONWARNINGS=ignore $(BIN)/python -m pip install --quiet --no-deps --no-build-isolation -e .
	@touch $@

# Looks at its sources by itself, in a tenth of a second.
console: $(INSTALLED)
	@$(BIN)/python web/console/make.py

# Says nothing where one is found: in PIPELINE_BROWSER, on PATH, or here before.
browser: $(INSTALLED) ## Fetch a browser for the tests of the console, if there is none
	@$(BIN)/python -m browser

screenshots: $(INSTALLED) console ## Take pictures of every page of the console into docs/console
	$(BIN)/python -m browser.screenshots

lock: $(INSTALLED) ## Write requirements/*.txt anew from setup.cfg
	$(COMPILE) --extra embedded --output-file requirements/run.txt setup.cfg
	$(COMPILE) --extra embedded --extra dev --constraint requirements/run.txt \
		--output-file requirements/dev.txt setup.cfg

demo: $(INSTALLED) console ## Deploy guardrails and watch them survive a killed worker and a failed deployment
	$(BIN)/pipeline-engine demo

up: $(INSTALLED) console ## Run the whole stack here until Ctrl-C
	$(BIN)/pipeline-engine up

down: $(INSTALLED) ## Stop a stack that runs in the background
	$(BIN)/pipeline-engine down

test: $(INSTALLED) console browser ## Run the tests of the product
	$(PYTEST) --ignore=$(TOOLS)

# (Types take one CPU only; two at a time, the other one has something to do, too.)
check: $(INSTALLED) console browser ## All that must hold: lint, types, contracts, then the tests
	@$(MAKE) --no-print-directory -j2 types lint contracts check-console
	$(PYTEST) --ignore=$(TOOLS)

check-tools: $(INSTALLED) ## Run the tests of the benchmarks and of the battery
	$(PYTEST) $(TOOLS)

lint: $(INSTALLED) ## Style, spelling, layout
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/codespell

types: $(INSTALLED) ## mypy --strict on the three packages
	$(BIN)/mypy

contracts: $(INSTALLED) ## Who may import whom
	$(BIN)/lint-imports

# What the API answers is written down anew each time, so its types are never stale.
check-console: $(INSTALLED) ## Types, style and tests of the console
	$(BIN)/python -m tests.pages.openapi web/console/openapi.json
	@$(BIN)/python web/console/make.py --check

pages: $(INSTALLED) ## Write the pages of the reference anew that are made from the code
	$(BIN)/python -m tests.pages

format: $(INSTALLED) ## Lay the code out as `make lint` wants it
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# What follows is for the benchmarks: `make bench -- --row console`.
ifeq (bench,$(firstword $(MAKECMDGOALS)))
WORDS := $(wordlist 2,$(words $(MAKECMDGOALS)),$(MAKECMDGOALS))
$(filter-out console,$(WORDS)) no-target: ;
endif
bench: $(INSTALLED) console ## Measure against raw Celery and plain Flask on this machine
	$(BIN)/python -m benchmarks $(WORDS)

bench-peers: $(INSTALLED) ## Measure against other engines, each in an environment of its own
	$(BIN)/python -m benchmarks.peers

battery: $(INSTALLED) ## Kill, cut and flood a stack of its own; prove that nothing is lost
	$(BIN)/python -m battery

battery-bugs: $(INSTALLED) ## Check that the battery notices seven deliberate bugs
	$(BIN)/python -m battery.checker

clean: ## Delete .venv and what tools left behind
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis build dist *.egg-info \
		web/console/node_modules web/static/console
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
