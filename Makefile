# Everything starts here: `make demo` shows what textclean does, `make test` proves it.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
OUT ?= out
DATA ?= ../shared/data

.PHONY: demo test test-slow test-ray test-browser test-corpora lint eval bench bench-quick bench-profile bench-files bench-letterer bench-batch bench-gpu clean help

help:
	@echo "make demo       set up, clean samples/ into $(OUT)/ and say where to look"
	@echo "make test       set up, then lint, types, structure and tests"
	@echo "make test-slow  the tests that take minutes"
	@echo "make test-ray   runs in a local Ray cluster, which is installed for it"
	@echo "make test-browser  the report in Chromium, which must be installed"
	@echo "make test-corpora  any folder of files that may be broken (DIR=folder; without: our own)"
	@echo "make eval       figures on ground truth (DATA=folder)"
	@echo "make bench      what a page costs against the detector and others (DATA=folder; minutes)"
	@echo "make bench-quick  the same with fewer pages and rounds; make bench-profile: by function"
	@echo "make bench-files  what reading and writing files costs (QUICK=1: smaller)"
	@echo "make bench-letterer  safe areas, sizes of type, PSDs (DATA=folder)"
	@echo "make bench-batch  pages a second, memory and resuming of long runs (QUICK=1, DATA=folder)"
	@echo "make bench-gpu  pages a second, utilisation, floor on a CUDA GPU, and whether it is right"
	@echo "                (QUICK=1, DATA=folder, DEVICE=cuda:N; DEVICE=cpu to see that it runs)"

# Debian ships python3 without ensurepip; its package is installed where that is allowed.
$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -m venv $(VENV) || { \
	  echo "The venv module is incomplete; installing python3-venv"; \
	  apt-get update -qq && apt-get install -y -qq python3-venv && $(PYTHON) -m venv --clear $(VENV); }
	$(BIN)/python -m pip install --quiet --disable-pip-version-check \
	  --constraint constraints.txt --editable '.[dev]'
	@touch $@

demo: $(READY)
	$(BIN)/python samples/demo.py $(OUT)

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

test: lint
	$(BIN)/pytest -n auto --dist loadfile -m "not slow and not data and not browser and not ray"

test-slow: $(READY)
	$(BIN)/pytest -m slow

test-ray: $(READY)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check \
	  --constraint constraints.txt --editable '.[dev,ray]'
	$(BIN)/pytest -m ray tests/integration

test-browser: $(READY)
	$(BIN)/pytest -m browser tests/browser

test-corpora: $(READY)
	$(if $(DIR),,$(BIN)/python tests/corpora/broken.py $(OUT)/broken)
	$(BIN)/python tests/corpora/corpus.py $(or $(DIR),$(OUT)/broken)

eval: $(READY)
	$(BIN)/textclean eval --data $(DATA)

bench: $(READY)
	$(BIN)/python benchmarks/speed.py --data $(DATA)

bench-quick: $(READY)
	$(BIN)/python benchmarks/speed.py --data $(DATA) --quick

bench-profile: $(READY)
	$(BIN)/python benchmarks/speed_profile.py --data $(DATA)

bench-files: $(READY)
	$(BIN)/python benchmarks/files.py $(if $(QUICK),--quick)

bench-batch: $(READY)
	$(BIN)/python benchmarks/batch.py --data $(DATA) $(if $(QUICK),--quick)

bench-gpu: $(READY)
	$(BIN)/python benchmarks/gpu.py --data $(DATA) $(if $(QUICK),--quick) \
	  $(if $(DEVICE),--device $(DEVICE))

bench-letterer: $(READY)
	$(BIN)/python benchmarks/letterer.py --data $(DATA)

clean:
	rm -rf $(OUT) build dist .pytest_cache .mypy_cache .ruff_cache
