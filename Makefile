# Every target does its own set-up. PYTHON and PIP_ARGS choose the interpreter and, say, an index of CPU wheels.
PYTHON ?= python3
PIP_ARGS ?=
PORT ?= 9090
VENV := .venv
BIN := $(VENV)/bin
COV := --cov --cov-report=term

.PHONY: run test check e2e clean

run: $(VENV)/run.stamp
	PORT=$(PORT) $(BIN)/gunicorn -c python:sam_backend.service.gunicorn_conf

test: $(VENV)/dev.stamp
	$(BIN)/python -m pytest $(ARGS)

check: $(VENV)/dev.stamp
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(MAKE) test ARGS="$(COV) $(ARGS)"

e2e: $(VENV)/run.stamp
	sh tests/e2e/install.sh
	.e2e/browser/bin/python -m pytest tests/e2e -p no:cacheprovider --confcutdir=tests/e2e $(ARGS)

clean:
	rm -rf $(VENV) .e2e

$(VENV)/run.stamp: requirements.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet $(PIP_ARGS) -r requirements.txt
	touch $@

$(VENV)/dev.stamp: $(VENV)/run.stamp requirements-dev.txt
	$(BIN)/python -m pip install --quiet $(PIP_ARGS) -r requirements-dev.txt
	touch $@
