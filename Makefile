# Every verb brings what is missing first (setup), so each works on a fresh checkout; with nothing to do that takes a moment.
SHELL := /bin/bash
MAKEFLAGS += --no-print-directory
.DEFAULT_GOAL := help
.PHONY: help setup build test demo bench format lint clean

help:  ## these lines
	@echo "pawl: make VERB"
	@sed -nE 's/^([a-z]+):.*## (.*)/  \1\t\2/p' Makefile | expand -t 12

setup:  ## install what is missing: Debian packages, a Python environment, native libraries, the page's packages
	@setup/setup.sh

build: setup  ## the release binary: build/pawl, its libraries in build/lib
	@setup/build.sh release pawl

test: setup  ## every test; SANITIZE=1 (and CI) adds AddressSanitizer and ThreadSanitizer, ACCEPT=1 rewrites golden files
	@tests/run.sh

demo: build  ## the main job on real data, about two minutes; KEEP=1 leaves the server running
	@source setup/env.sh && $$PAWL_PYTHON examples/flights/demo.py --pawl build/pawl --out build/demo $(if $(filter-out 0,$(KEEP)),--keep)

bench: build  ## pawl's numbers beside their physical limits
	@source setup/env.sh && bench/run.sh

format: setup  ## clang-format over all C++
	@git ls-files -co --exclude-standard '*.cpp' '*.h' | xargs clang-format-19 -i

lint: setup  ## format, clang-tidy, the house rules, Python that compiles
	@tests/lint.sh

clean:  ## remove all that was built; what was downloaded stays in the cache
	@rm -rf build web/dist
