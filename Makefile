# Two commands: `make build` and `make test`. They need Python 3.11 or newer, make and git; the rest is
# fetched by hash, once, into .venv and .tools.

VENV = .venv/bin
# The first Python that is new enough; asked only when .venv is made.
PYTHON ?= $(shell for python in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$python && break; done)
INSTALL = $(VENV)/python -m pip install --quiet --quiet --disable-pip-version-check --no-deps
COMPILE = $(VENV)/pip-compile --quiet --generate-hashes --strip-extras \
	--allow-unsafe --no-annotate --no-header --no-emit-index-url --no-emit-trusted-host \
	--no-emit-find-links --no-emit-options

.PHONY: build check test test-nightly test-cluster demo lint tools test-tools cluster-tools lock clean

build: tools
	$(VENV)/modelyard build

check: tools
	$(VENV)/modelyard check

test: test-tools lint
	$(VENV)/python -m pytest -n 2

# What needs the package registries, or an hour: fact files made again from the released packages, 500 Applications,
# releases that scale at the times that are shipped. Linux.
test-nightly: cluster-tools
	$(VENV)/python -m pytest -m nightly --junit-xml=.cache/test-nightly.xml
	MODELYARD_CLUSTER=1 MODELYARD_NIGHTLY=1 $(VENV)/python -m pytest tests/cluster/test_keda.py

# Everything that needs a control plane: minutes, and Linux. The page docs/proof.md is made by a run that held.
test-cluster: cluster-tools
	MODELYARD_CLUSTER=1 $(VENV)/python -m pytest tests/cluster --junit-xml=.cache/test-cluster.xml

# A streamed chat request to a release at zero, on a control plane of its own: about three minutes, and Linux.
demo: cluster-tools
	@$(VENV)/python -m generator.commands.demo

lint: test-tools
	$(VENV)/ruff check .
	$(VENV)/ruff format --check .
	$(VENV)/mypy
	$(VENV)/lint-imports
	$(VENV)/zizmor --offline --quiet --pedantic --strict-collection .github/workflows
	.tools/bin/actionlint

tools: .venv/installed
	@$(VENV)/python -m generator.tools build

test-tools: .venv/installed-dev
	@$(VENV)/python -m generator.tools test

cluster-tools: .venv/installed-dev
	@$(VENV)/python -m generator.tools cluster
	@$(VENV)/python -m generator.cluster.definitions

# Resolve again; afterwards read the difference before committing it.
# It needs the old lock's pip-tools only: the package itself may ask for what no lock has yet.
lock: .venv/python-ready
	$(INSTALL) --require-hashes --requirement requirements-dev.lock
	$(COMPILE) --build-deps-for editable --output-file requirements.lock pyproject.toml
	$(COMPILE) --build-deps-for editable --extra test --constraint requirements.lock \
		--output-file requirements-dev.lock pyproject.toml

clean:
	@for folder in .venv .tools .cache; do \
		if [ -e $$folder ]; then echo "removing $$folder: $$(du -sk $$folder | cut -f1) kB"; rm -rf $$folder; fi; done

.venv/python-ready:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed; none was found on PATH" >&2; exit 1; }
	$(PYTHON) -m venv .venv
	@touch $@

.venv/requirements: .venv/python-ready requirements.lock
	$(INSTALL) --require-hashes --requirement requirements.lock
	@touch $@

.venv/installed: .venv/requirements pyproject.toml
	$(INSTALL) --no-build-isolation --editable .
	@touch $@

.venv/installed-dev: .venv/installed requirements-dev.lock
	$(INSTALL) --require-hashes --requirement requirements-dev.lock
	$(VENV)/python -m pip check
	@touch $@
