# Every target does its own set-up. PYTHON and PIP_ARGS choose the interpreter and, say, an index of CPU wheels.
PYTHON ?= python3
PIP_ARGS ?=
PORT ?= 9090
STUDIO_PORT ?= 8080
# Where the data sets of docs/training.md lie, and where what is fetched and trained goes.
DATA ?= ../shared/data
RUNS ?= runs
VENV := .venv
BIN := $(VENV)/bin
BENCH := .bench
COV := --cov --cov-report=term

SPLITS := sam_backend/training/splits
PHOTOS = $(DATA)/coco_free/instances.json,share=.08,without=$(SPLITS)/coco_free_held_out.txt,held-out=.3
NUTS = $(DATA)/nuts/trainval.json,share=.04,held-out=.3
EMBEDDED_DATA = --data $(DATA)/nuclei,share=.22,without=$(SPLITS)/nuclei_held_out.txt,held-out=0 \
	--data $(PHOTOS) --data $(NUTS) --cutouts $(RUNS)/cutouts,share=.46 --scenes .20

AUDIT := .audit

.PHONY: run studio audit docker-test test check e2e ml-host qgis plugin sdk-oracle bench train-embedded \
	evaluate-embedded clean

run: $(VENV)/run.stamp
	PORT=$(PORT) $(BIN)/gunicorn -c python:sam_backend.service.gunicorn_conf

# A real Label Studio beside the backend, with a project to click in: 1 GB and some minutes, once. Ctrl-C ends both.
studio: $(VENV)/run.stamp
	$(BIN)/python -m sam_backend studio --port $(STUDIO_PORT) --backend-port $(PORT) $(ARGS)

# One process for each core, so one thread in each; a file's tests stay together, as they share what they set up.
test: $(VENV)/dev.stamp
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n auto --dist loadfile $(ARGS)

check: $(VENV)/dev.stamp
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(MAKE) test ARGS="$(COV) $(ARGS)"

e2e: $(VENV)/run.stamp
	sh tests/e2e/install.sh
	.e2e/browser/bin/python -m pytest -c tests/e2e/pytest.ini --rootdir=tests/e2e tests/e2e $(ARGS)

# label-studio-ml as host, which pins a Flask of 2020; a real Label Studio asks it where `make e2e` has installed one.
ml-host:
	sh tests/label_studio_ml/install.sh
	.mlhost/bin/python -m pytest -c tests/label_studio_ml/pytest.ini --rootdir=. \
	tests/label_studio_ml $(ARGS)

# QGIS by apt where it is missing; the tests run in Debian's Python, the backend in the project's.
qgis: $(VENV)/dev.stamp
	sh tests/qgis/install.sh
	env -u PYTHONPATH -u PYTHONHOME PATH=/usr/bin:/bin QT_QPA_PLATFORM=offscreen QGIS_PREFIX_PATH=/usr \
	BACKEND_PYTHON=$(CURDIR)/$(BIN)/python .qgis/env/bin/python -m pytest -c tests/qgis/pytest.ini --rootdir=tests/qgis \
	tests/qgis $(ARGS)

# Builds the CPU image and runs it as a container would be, without a Docker engine; as root, on Debian.
docker-test: $(VENV)/dev.stamp
	sh tests/docker/image/install.sh
	$(BIN)/python -m pytest tests/docker/image $(ARGS)

# What bandit thinks of the code, and what is known of the versions in .venv (asks PyPI).
audit: $(VENV)/run.stamp $(AUDIT)/tools.stamp
	$(AUDIT)/bin/bandit --quiet --recursive --configfile pyproject.toml sam_backend
	$(BIN)/python -m pip freeze | sed 's/+.*//' >$(AUDIT)/installed.txt
	$(AUDIT)/bin/pip-audit --strict --no-deps --disable-pip --requirement $(AUDIT)/installed.txt $(AUDIT_ARGS)

$(AUDIT)/tools.stamp:
	$(PYTHON) -m venv $(AUDIT)
	$(AUDIT)/bin/python -m pip install --quiet $(PIP_ARGS) bandit==1.9.4 pip-audit==2.10.1
	touch $@

plugin:
	$(PYTHON) plugins/package.py dist

# Label Studio's own SDK judges every region we answer: 450 MB in an environment of its own, since it caps numpy.
sdk-oracle: .sdk/label-studio-sdk-2.1.2.stamp $(VENV)/dev.stamp
	$(BIN)/python -m pytest tests/label_studio/test_sdk_oracle.py $(ARGS)

.sdk/label-studio-sdk-%.stamp:
	$(PYTHON) -m venv .sdk
	.sdk/bin/python -m pip install --quiet $(PIP_ARGS) label-studio-sdk==$*
	touch $@

# Fetches the objects to paste by package name, trains both stages and leaves $(RUNS)/embedded/last.pth: hours. What was
# stopped goes on.
# glibc is told to keep large blocks: giving each back to the system costs a quarter of the time.
TRAIN = OMP_NUM_THREADS=1 MALLOC_MMAP_THRESHOLD_=4294967296 MALLOC_TRIM_THRESHOLD_=8589934592 \
	$(BIN)/torchrun --nproc-per-node 2 -m sam_backend train $(EMBEDDED_DATA)
RESUME = $$(test -f $(RUNS)/$(1)/state.pt && echo --resume)

train-embedded: $(VENV)/dev.stamp
	test -f $(RUNS)/cutouts/index.json || $(BIN)/python -m sam_backend.training.synthetic.fetch $(RUNS)/cutouts
	test -f $(RUNS)/windows/done || ( $(TRAIN) --preset small -o $(RUNS)/windows \
	$(call RESUME,windows) $(ARGS) && touch $(RUNS)/windows/done )
	$(TRAIN) --preset small-whole --init $(RUNS)/windows/last.pth -o $(RUNS)/embedded $(call RESUME,embedded) $(ARGS)

evaluate-embedded: $(VENV)/dev.stamp
	$(BIN)/python -m sam_backend evaluate --tools --max-objects 200 --scenes 30 --cutouts $(RUNS)/cutouts \
	--nuclei $(DATA)/nuclei --data photos=$(PHOTOS) --data photos=$(NUTS) \
	--data kampala=$(DATA)/geo/fair_oam/kampalaA_z21_3072x2048.tif,overlap=0 $(ARGS)

# The official code, transformers' and ours in turn: 35 minutes on two cores, which should have nothing else to do.
# ARGS="--only encode,click" runs some parts and keeps what is known of the others; ARGS=--quick shows that it works.
bench: $(BENCH)/models.stamp .sdk/label-studio-sdk-2.1.2.stamp
	$(BENCH)/models/bin/python -m benchmarks.suite --sdk-python .sdk/bin/python $(ARGS)

clean:
	rm -rf $(VENV) .e2e .mlhost .qgis .sdk $(BENCH) $(AUDIT)

$(VENV)/run.stamp: requirements.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet $(PIP_ARGS) -r requirements.txt
	touch $@

$(VENV)/dev.stamp: $(VENV)/run.stamp requirements-dev.txt
	$(BIN)/python -m pip install --quiet $(PIP_ARGS) -r requirements-dev.txt
	touch $@

$(BENCH)/models.stamp: benchmarks/requirements.txt pyproject.toml
	$(PYTHON) -m venv $(BENCH)/models
	$(BENCH)/models/bin/python -m pip install --quiet $(PIP_ARGS) -r $<
	touch $@
