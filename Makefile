# `make demo` and `make test` need Python 3.11 and nothing else; each sets up .venv on first use.
PYTHON ?= python3.11
VENV ?= .venv
BIN = $(VENV)/bin
export OMP_NUM_THREADS ?= 1
export OPENBLAS_NUM_THREADS ?= 1

.PHONY: demo test test-slow test-long test-wheel lint types house docs audit format clean

demo: $(VENV)/.ready
	$(BIN)/ratoon demo

test: $(VENV)/.ready-dev
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder --durations=40

test-slow: $(VENV)/.ready-dev
	$(BIN)/python -m pytest -m "slow and not long" -n 2 --dist loadfile --no-loadscope-reorder --durations=40

# Variants of slow tests that CI has no time for.
test-long: $(VENV)/.ready-dev
	$(BIN)/python -m pytest -m long -n 2 --dist loadfile --no-loadscope-reorder

# The suite against the built wheel: PYTHONPATH comes before the editable install.
test-wheel: build/wheel
	PYTHONPATH=build/wheel $(BIN)/python -m pytest tests/spec tests/policy tests/test_install.py -n 2 --dist loadfile

lint: $(VENV)/.ready-dev build/wheel
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	PYTHONPATH=build/wheel $(BIN)/lint-imports

types: $(VENV)/.ready-dev build/wheel
	MYPYPATH=build/wheel $(BIN)/mypy -p ratoon

# How the package is built: sizes, parameters, `Any`; and the files that one run enters.
house: $(VENV)/.ready
	$(BIN)/python .ci/house.py --trace

# The site, in build/site; a broken link or anchor fails it. It needs no network, and neither do its pages.
docs: $(VENV)/.ready-dev
	NO_MKDOCS_2_WARNING=true $(BIN)/mkdocs build --quiet

# Known vulnerabilities in the pinned packages. It asks a service on the network; without one it says so and passes.
audit: $(VENV)/.ready-dev
	$(BIN)/python .ci/audit.py

format: $(VENV)/.ready-dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# Always rebuilt: mypy and import-linter read the installed package, not the editable one.
.PHONY: build/wheel
build/wheel: $(VENV)/.ready-dev
	rm -rf build/wheel build/lib
	$(BIN)/pip install --quiet --no-deps --target build/wheel .

$(VENV)/.ready: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet -c constraints.txt -e .
	touch $@

$(VENV)/.ready-dev: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet -c constraints.txt -e '.[dev]'
	touch $@ $(VENV)/.ready

clean:
	rm -rf $(VENV) build dist *.egg-info .ratoon ratoon-demo
