# `make study`, `make test`, `make sanitize`, `make cuda`: all need Python 3.10 or newer, a C++20
# compiler and a package index, and keep everything they install in .venv.
PYTHON ?= python3
VENV ?= .venv
OUT ?= results/av-digits
PRESET ?= quick
CHECKOUTS ?=

BIN := $(VENV)/bin
PIP := PIP_CONSTRAINT=$(CURDIR)/constraints.txt PIP_DISABLE_PIP_VERSION_CHECK=1 $(BIN)/python -m pip install --quiet
SOURCES := setup.py pyproject.toml constraints.txt $(shell find csrc mmkernels python -type f \
  -not -name '*.pyc' -not -name '*.so')

# Of CUDA, what `make cuda-compiler` brought, unless another toolkit is named.
CUDA := $(CURDIR)/$(VENV)/cuda/nvidia/cu13
export CUDA_HOME ?= $(shell test -x $(CUDA)/bin/nvcc && echo $(CUDA))

.PHONY: study test sanitize cuda cuda-compiler bench conformance clean

study: $(VENV)/study
	$(BIN)/mmalign study av-digits --preset $(PRESET) --out $(OUT)

test: $(VENV)/test
	$(BIN)/ruff check .
	$(BIN)/pytest -n auto --maxprocesses 8 --dist worksteal

# Before `make test`, the package is installed with its CUDA module also where there was no nvcc.
cuda-compiler: $(VENV)/cuda-compiler

cuda: $(VENV)/cuda-compiler $(VENV)/test
	$(BIN)/python tests/cuda/gates.py
	$(BIN)/python tests/cuda/build.py
	$(BIN)/python tests/cuda/build.py --sanitize address,undefined

# Which threads meet where does not depend on the instruction set.
sanitize: $(VENV)/test
	$(BIN)/python tests/native/build.py --every-instruction-set
	$(BIN)/python tests/native/build.py --every-instruction-set --sanitize address,undefined
	$(BIN)/python tests/native/build.py --sanitize thread

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

$(VENV)/cuda-compiler: $(VENV)/created csrc/cuda_requirements.txt
	test -n "$$CUDA_HOME" || $(PIP) --no-deps --target $(VENV)/cuda -r csrc/cuda_requirements.txt
	@touch $@

$(VENV)/created:
	$(PYTHON) -m venv $(VENV)
	@touch $@

clean:
	rm -rf $(VENV) build mmkernels.egg-info
