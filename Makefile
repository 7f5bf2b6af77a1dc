# Two commands do everything on a fresh Debian 12 with Python 3.11, git, make and root or
# sudo: `make demo` and `make test`.

PYTHON ?= python3
# Processes that share the tests. Some of them hold back on purpose, and all tools are real.
TESTS ?= 2
VENV := .venv
BIN := $(VENV)/bin
DEMO ?= demo-out

.PHONY: demo test check packages test-packages install lock clean

demo: install
	rm -rf $(DEMO)
	$(BIN)/skanearkiv demo $(DEMO)

test: test-packages check

# The same checks here and in CI: style, types, who may import whom, tests.
check: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/pytest -n $(TESTS) --dist loadgroup

# Schedulers and hosts for the tests of clusters.
test-packages:
	@sh tools/packages.sh packages-test.apt

packages:
	@sh tools/packages.sh

install: packages $(VENV)/.installed

$(VENV)/.installed: requirements.lock pyproject.toml
	$(PYTHON) -m venv $(VENV)
# The lock is whole, so pip resolves nothing: with a newer pikepdf on the index, pip 23's resolver
# tries that for `pikepdf[pdfa]` first, and refuses it for want of a hash.
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	$(BIN)/pip check
# Tools in the sandbox cannot write bytecode: they would compile the program at each start.
	$(BIN)/python -m compileall -q pipeline format_registry migrators validators benchmarks
	touch $@

# Exact versions with hashes, no host names. Needs uv.
lock:
	uv pip compile --quiet --extra dev --generate-hashes --no-emit-index-url --no-header \
	  --no-annotate --python-version 3.11 --output-file requirements.lock \
	  pyproject.toml tools/build.in

clean:
	rm -rf $(VENV) $(DEMO) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache
