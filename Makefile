# The commands of a checkout. Everything that they write lies in it: .venv (the environment) and data (photos and state).
#
#   make serve [HOST=0.0.0.0] [PORT=8080] [PLEX=/srv/photos] [STATE=/var/lib/sumu] [CONFIG=wsgidav.yaml]
#   make test       style, types and every test            make lint    style and types alone
#   make soak       the tests that take minutes            make clean   remove the environment, never the data

PYTHON ?= python3
CONFIG ?= wsgidav.yaml

VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
TEST_INSTALLED := $(VENV)/.test-installed
PIP := TMPDIR="$(CURDIR)/$(VENV)" $(BIN)/python -m pip --no-cache-dir --disable-pip-version-check --quiet install

# Workers of pytest; the files of a folder's tests stay whole, since they share a server.
WORKERS ?= 3
PYTEST := $(BIN)/python -m pytest -q -n $(WORKERS) --dist loadfile

.PHONY: serve test lint soak clean

serve: $(INSTALLED)
	@exec $(BIN)/python -m sumu_dav serve --config "$(CONFIG)" $(if $(HOST),--host "$(HOST)") \
		$(if $(PORT),--port "$(PORT)") $(if $(PLEX),--plex "$(PLEX)") $(if $(STATE),--state "$(STATE)")

test: lint
	$(PYTEST)

soak: $(TEST_INSTALLED)
	$(PYTEST) -m slow

lint: $(TEST_INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

clean:
	rm -rf $(VENV)

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || \
		{ echo 'Python 3.11 or newer is needed; name one with PYTHON=/path/to/python3'; exit 1; }
	$(PYTHON) -m venv $(VENV)

# Installed in place, so that WsgiDAV's own launcher finds the package too: .venv/bin/wsgidav --config wsgidav.yaml
$(INSTALLED): requirements.txt pyproject.toml | $(VENV)/bin/python
	$(PIP) --editable .
	@touch $@

$(TEST_INSTALLED): tests/requirements.txt $(INSTALLED)
	$(PIP) -r tests/requirements.txt
	@touch $@
