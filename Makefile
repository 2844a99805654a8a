# fieldbeat: what people and CI run. `make demo` and `make test` need Python 3.11 or newer, git and make.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
# The tests start hundreds of processes: byte code is worth keeping, whatever the machine says.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo help test test-long test-longest check lab bench fuzz mutants stats format clean

demo: $(STAMP)  ## a virtual unit from bare flash to its work, ROLE=greenhouse|speaker|river (Ctrl-C or DEMO_FOR=90 ends it)
	@$(BIN)/python -m fieldbeat.hil_tests.demo $(ROLE)

help:  ## what there is to make
	@sed -n 's/^\([a-z-]*\):[^#]*## /make \1: /p' Makefile

test: $(STAMP)  ## the tests, on both interpreters; build/report/report.html shows what happened
	@$(BIN)/python -m pytest -q -n auto -m "not long and not longest" --report build/report

test-long: $(STAMP)  ## those that take longest: virtual days, floods, processes and serial lines; CI runs both
	@$(BIN)/python -m pytest -q -n auto -m long --report build/report-long

test-longest: $(STAMP)  ## what would make CI too long: pages that add a part, PlatformIO's corners, more pulled cables and cuts, a day in the heap
	@$(BIN)/python -m pytest -q -n auto -m longest --report build/report-longest

check: $(STAMP)  ## format, lint, types, byte code, that every test can be loaded: what CI checks before the tests
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/python .ci/check_device.py types
	$(BIN)/python .ci/check_device.py bytecode
	$(BIN)/python .ci/translations.py check
	@mkdir -p build; $(BIN)/python -m pytest -qq -n 0 --collect-only >build/collected || { tail -40 build/collected; exit 1; }

lab:  ## labgrid, for its tests and for lab benches; apart, since it brings a pyserial of its own
	@test -x build/labgrid/bin/labgrid-client || { $(PYTHON) -m venv build/labgrid && \
	  build/labgrid/bin/python -m pip install --quiet --disable-pip-version-check 'labgrid>=26'; }

bench: $(STAMP)  ## speed and memory as ratios; AREA=station|tools|flash|cli|wire|bench|speaker|river|greenhouse|month runs one
	@$(BIN)/python -m fieldbeat.hil_tests.benchmarks $(AREA)

fuzz: $(STAMP)  ## a million damaged inputs for every parser, on both interpreters; 2,000 examples a property
	@$(BIN)/python -m fieldbeat.hil_tests.fuzz $(COUNT) $(PARSER)
	@test -n "$(PARSER)" || $(BIN)/python -m pytest -q -n auto -m hypothesis --hypothesis-profile thorough

mutants: $(STAMP)  ## known-bad changes that the tests must notice: caught / all
	@$(BIN)/python -m fieldbeat.hil_tests.mutants $(NAME)

stats: $(STAMP)  ## the numbers of our own tree
	@$(BIN)/python .ci/stats.py

format: $(STAMP)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

$(STAMP): pyproject.toml
	@test -x $(BIN)/python || { echo "making $(VENV) ..."; $(PYTHON) -m venv $(VENV); }
	@echo "installing fieldbeat and its tools into $(VENV) (a minute or more the first time):"
	@$(BIN)/python -m pip install --disable-pip-version-check -e '.[check]'
	@touch $(STAMP)

clean:
	rm -rf $(VENV) build dist *.egg-info
