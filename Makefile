# Two commands do everything on a fresh machine: `make demo` and `make test`.
SHELL := /bin/bash
.DELETE_ON_ERROR:
PYTHON ?= $(shell .ci/python)
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.stamp
PAGE_SOURCES := $(shell find web -path web/node_modules -prune -o -path web/dist -prune -o -type f -print 2>/dev/null)
PYTEST := $(BIN)/python -m pytest
SERVED := $(addprefix tests/service/bedside/test_,stimulation_processes.py stated_served.py stop_and_dead_man.py)
WIRES := $(addprefix tests/,drivers simulators test_wire_faults.py test_record_command.py) $(SERVED)
PATIENT := $(addprefix tests/,simulators/patient test_nerve_studies.py)
COMPUTES := $(addprefix tests/,$(addprefix service/,acquisition analysis evidence bedside exchange protocols) test_contrast.py test_record_gives_the_same_findings.py)
without = $(addprefix --ignore=,$(1))
PART := $(BIN)/coverage run -p -m pytest -q -m "not timed and not soak"
LEFTOVER := nice -n 19
MAKEFLAGS += -j2
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export OPENBLAS_NUM_THREADS := 1
export PYTHONDONTWRITEBYTECODE :=  # else each of a hundred processes compiles all that it imports

.PHONY: demo test check check-python check-page bench soak lock screenshots patients page clean

demo: $(STAMP)/run web/dist/index.html ## simulator + service + page; prints one URL
	@exec $(BIN)/myotome demo $(ARGS)

test: $(STAMP)/test $(STAMP)/chromium web/dist/index.html check ## everything, the deadlines alone and last
	$(BIN)/coverage erase
	@mkdir -p .make
	# four runs at once on however many cores: what only computes takes the time that ports, processes and the browser leave
	$(LEFTOVER) $(PART) $(COMPUTES) $(call without,$(SERVED)) $(ARGS) > .make/computes.log 2>&1 & computes=$$!; \
	$(LEFTOVER) $(PART) $(PATIENT) $(ARGS) > .make/patient.log 2>&1 & patient=$$!; \
	$(PART) $(WIRES) --ignore=tests/simulators/patient $(ARGS) > .make/wires.log 2>&1 & wires=$$!; \
	$(PART) tests $(call without,$(COMPUTES) $(PATIENT) $(WIRES)) $(ARGS); failed=$$?; \
	for run in $$wires $$patient $$computes; do wait $$run || failed=1; done; \
	cat .make/{wires,patient,computes}.log; exit $$failed
	$(BIN)/coverage combine -q
	$(BIN)/coverage report
	$(PYTEST) -m "timed and not soak" --durations=12 $$(grep -rl --include='test_*.py' 'mark\.timed' tests) $(ARGS)

check: check-python check-page ## formats, lints, types, layers, what the page computes

check-python: $(STAMP)/test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports --no-logo
	$(BIN)/mypy

check-page: web/node_modules/.stamp
	cd web && PATH="$(CURDIR)/$(BIN):$$PATH" npx --no-install tsc --noEmit
	cd web && PATH="$(CURDIR)/$(BIN):$$PATH" npm run --silent test

bench: $(STAMP)/test ## every budget as a ratio against a peer in the same run
	@$(BIN)/python -m benchmarks

soak: $(STAMP)/test $(STAMP)/chromium web/dist/index.html ## the long runs
	$(PYTEST) -m soak $(ARGS)

screenshots: $(STAMP)/test $(STAMP)/chromium web/dist/index.html ## pictures of the page, for people to look at
	$(BIN)/python -m tests.end_to_end.screenshots

patients: $(STAMP)/test ## a sheet of plots for every simulated patient, for people to look at
	$(BIN)/python -m tests.simulators.patient.plots build/patients

page: web/dist/index.html

lock: $(STAMP)/test ## hashed requirements for every platform, from pyproject.toml
	.ci/lock

clean:
	rm -rf $(VENV) web/node_modules web/dist .mypy_cache .ruff_cache .pytest_cache .hypothesis

$(BIN)/python:
	.ci/venv $(PYTHON) $(VENV)

$(STAMP)/run: requirements.txt pyproject.toml | $(BIN)/python
	.ci/install -r requirements.txt
	$(BIN)/pip install -q --no-deps --no-build-isolation -e .
	@mkdir -p $(STAMP) && touch $@

$(STAMP)/test: requirements-dev.txt requirements-peers.txt $(STAMP)/run
	.ci/install -r requirements-dev.txt
	.ci/install --no-deps -r requirements-peers.txt
	@mkdir -p $(STAMP) && touch $@

$(STAMP)/chromium: | $(BIN)/python
	.ci/chromium
	@mkdir -p $(STAMP) && touch $@

web/node_modules/.stamp: web/package-lock.json $(STAMP)/run
	cd web && PATH="$(CURDIR)/$(BIN):$$PATH" npm ci --no-audit --no-fund --silent
	@touch $@

web/dist/index.html: web/node_modules/.stamp $(PAGE_SOURCES)
	cd web && PATH="$(CURDIR)/$(BIN):$$PATH" npm run --silent build
	@touch $@
