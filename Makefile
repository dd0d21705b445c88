# `make study`, `make test`, `make sanitize`: all need Python 3.10 or newer, a C++20 compiler and
# a package index, and keep everything they install in .venv.
PYTHON ?= python3
VENV ?= .venv
OUT ?= results/av-digits
PRESET ?= quick
CHECKOUTS ?=

BIN := $(VENV)/bin
PIP := PIP_CONSTRAINT=$(CURDIR)/constraints.txt PIP_DISABLE_PIP_VERSION_CHECK=1 $(BIN)/python -m pip install --quiet
SOURCES := setup.py pyproject.toml constraints.txt $(shell find csrc mmkernels python -type f \
  -not -name '*.pyc' -not -name '*.so')

.PHONY: study test sanitize bench conformance clean

study: $(VENV)/study
	$(BIN)/mmalign study av-digits --preset $(PRESET) --out $(OUT)

test: $(VENV)/test
	$(BIN)/ruff check .
	$(BIN)/pytest

sanitize: $(VENV)/test
	$(BIN)/python tests/native/build.py --every-instruction-set
	$(BIN)/python tests/native/build.py --every-instruction-set --sanitize address,undefined
	$(BIN)/python tests/native/build.py --every-instruction-set --sanitize thread

bench: $(VENV)/benchmark
	$(BIN)/python benchmarks/table.py

# CHECKOUTS: clones of libraries that no index has, as in "platonic-rep=PATH netrep=PATH".
conformance: $(VENV)/benchmark
	$(BIN)/python benchmarks/conformance.py $(addprefix --checkout ,$(CHECKOUTS))

$(VENV)/study $(VENV)/test $(VENV)/benchmark: $(VENV)/created $(SOURCES)
	$(PIP) "torch==$(shell sed -n 's/^torch==//p' constraints.txt)"
	rm -rf build/lib.* build/bdist.*  # setuptools would pack modules that are gone from the sources
	$(PIP) ".[$(notdir $@)]"
	@touch $@

$(VENV)/created:
	$(PYTHON) -m venv $(VENV)
	@touch $@

clean:
	rm -rf $(VENV) build mmkernels.egg-info
