# make demo   trains a small character language model and prints what it writes
# make test   everything that must hold before a change is accepted
# make docs   the pages and the reference, into site/
# make bench  speed and memory beside PyTorch, JAX and ONNX Runtime
PYTHON ?= python3
WORKERS ?= 2
RUN ?= runs/demo

DEMO_VENV := .venv
TEST_VENV := .venv-test
BENCH_VENV := .venv-bench
# A file made after a successful installation; newer package lists install again.
DEMO_STAMP := $(DEMO_VENV)/.installed
TEST_STAMP := $(TEST_VENV)/.installed
BENCH_STAMP := $(BENCH_VENV)/.installed
PIP := -m pip --disable-pip-version-check install --quiet -c constraints.txt

# Each pytest worker is a process: a BLAS that starts threads in every one makes them wait for each other, and so do
# gated's own. What is to hold with several threads is tested with so many as the test says.
ONE_THREAD := OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1 MKL_NUM_THREADS=1 GATED_NUM_THREADS=1
# Tests start hundreds of processes: with no bytecode on the disk each would spend half its time on compiling the sources.
BYTECODE := PYTHONDONTWRITEBYTECODE=

.DEFAULT_GOAL := help
.PHONY: help demo test lint typecheck pytest many docs bench clean

help:
	@echo "make demo       train on the Python help texts into $(RUN), then print a sample"
	@echo "make test       lint, typecheck and the whole test suite (WORKERS=$(WORKERS) processes)"
	@echo "make lint       ruff"
	@echo "make typecheck  mypy"
	@echo "make pytest     the test suite alone; ARGS='-k lstm' passes options on"
	@echo "make many       further cases of kinds that the suite has: wrong programs, cells, sizes"
	@echo "make docs       the pages and the reference, into site/; a warning is an error"
	@echo "make bench      the benchmarks, into benchmarks/results; ARGS='--quick' is rough and takes minutes"
	@echo "make clean      remove environments, caches and build results (runs/ stays)"

demo: $(DEMO_STAMP)
	$(DEMO_VENV)/bin/gated train --out $(RUN) --overwrite --sample 0
	$(DEMO_VENV)/bin/gated sample $(RUN)

test: lint typecheck pytest

lint: $(TEST_STAMP)
	$(TEST_VENV)/bin/ruff check .

typecheck: $(TEST_STAMP)
	$(TEST_VENV)/bin/mypy

pytest: $(TEST_STAMP)
	$(ONE_THREAD) $(BYTECODE) $(TEST_VENV)/bin/python -m pytest -n $(WORKERS) -m "not many" $(ARGS)

many: $(TEST_STAMP)
	$(ONE_THREAD) $(BYTECODE) $(TEST_VENV)/bin/python -m pytest -n $(WORKERS) -m many $(ARGS)

docs: $(TEST_STAMP)
	NO_MKDOCS_2_WARNING=1 $(TEST_VENV)/bin/mkdocs build --strict --quiet
	@echo "site/index.html is the first page; for the search: $(TEST_VENV)/bin/python -m http.server -d site"

bench: $(BENCH_STAMP)
	$(BENCH_VENV)/bin/python -m benchmarks $(ARGS)

$(DEMO_STAMP): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(DEMO_VENV)
	$(DEMO_VENV)/bin/python $(PIP) -e '.[cli,plot]'
	@touch $@

# torch comes first and alone, at the exact version of constraints.txt: the resolver then never looks at
# another one, each of which may bring gigabytes of libraries for accelerators.
$(TEST_STAMP): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(TEST_VENV)
	$(TEST_VENV)/bin/python $(PIP) "$$(grep '^torch==' constraints.txt | cut -d ' ' -f 1)"
	$(TEST_VENV)/bin/python $(PIP) -e '.[test]'
	@touch $@

$(BENCH_STAMP): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(BENCH_VENV)
	$(BENCH_VENV)/bin/python $(PIP) "$$(grep '^torch==' constraints.txt | cut -d ' ' -f 1)"
	$(BENCH_VENV)/bin/python $(PIP) -e '.[bench]'
	@touch $@

clean:
	rm -rf $(DEMO_VENV) $(TEST_VENV) $(BENCH_VENV) build dist site .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find src tests -name __pycache__ -type d -prune -exec rm -rf {} +
