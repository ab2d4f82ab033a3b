# Three commands are all a newcomer needs: make run, make test, make check.
# Each installs what it lacks into .venv, from lock files with hashes, and nothing else has to be there first.

PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	command -v $$p >/dev/null 2>&1 && $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
BIN := .venv/bin
CODE := bot adapters persona
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes

.PHONY: run run-bot test check privacycheck relcheck soak format bench bench-start bench-events bench-cost bench-throughput bench-scale pictures lock clean
.DELETE_ON_ERROR:

run: .venv/run.stamp  ## talk to Rapport in this terminal; reads a script from a pipe just as well
	@$(BIN)/python -m bot chat

run-bot: .venv/run.stamp  ## run on the platforms that .env configures
	@$(BIN)/python -m bot

test: .venv/dev.stamp  ## every test, with branch coverage
	$(BIN)/python -m pytest -n auto --cov --cov-report=term:skip-covered

check: .venv/dev.stamp  ## format, lint, types, import floors
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

privacycheck: .venv/dev.stamp  ## what no room and no tenant may see, no reply link to, and nothing bring back, at full size; four minutes
	@$(BIN)/python -m tests.privacy.check

relcheck: .venv/dev.stamp  ## what survives what, in quick sizes and with new seeds; `make test` has the same with fixed ones
	@$(BIN)/python -m tests.reliability

soak: .venv/dev.stamp  ## the same at full size; hours
	@$(BIN)/python -m tests.reliability --full

format: .venv/dev.stamp  ## put the code into the shape `make check` wants
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: bench-start bench-events bench-cost bench-throughput  ## what it costs; docs/benchmarks.md has the figures with dates

bench-start: .venv/dev.stamp
	@$(BIN)/python -m bench.start

bench-events: .venv/dev.stamp
	@$(BIN)/python -m bench.events

bench-cost: .venv/dev.stamp .venv-peers/peers.stamp
	@$(BIN)/python -m bench.cost

bench-scale: .venv/dev.stamp  ## what a member weighs in PostgreSQL, and what questions cost as it grows; docs/scale.md reads from it
	@$(BIN)/python -m bench.scale

bench-throughput: .venv/dev.stamp
	@$(BIN)/python -m bench.throughput

pictures: .venv/dev.stamp  ## draw what members see anew, from what the platforms get; they stand in docs/pictures
	@$(BIN)/python -m tests.pictures.slack
	@$(BIN)/python -m tests.pictures.discord

lock: .venv/dev.stamp  ## renew both lock files from pyproject.toml
	@$(PIP:--require-hashes=) uv
	$(BIN)/uv pip compile pyproject.toml --extra postgres --upgrade --universal --python-version 3.11 --generate-hashes \
		--no-annotate --no-header -o requirements.lock
	$(BIN)/uv pip compile pyproject.toml --extra dev -c requirements.lock --universal --python-version 3.11 \
		--generate-hashes --no-annotate --no-header -o requirements-dev.lock

clean:  ## forget the virtual environment and every cache
	rm -rf .venv .venv-peers .coverage* .mypy_cache .ruff_cache .pytest_cache .hypothesis build *.egg-info

.venv/bin/python:
	@test -n "$(PYTHON)" || { echo "Rapport needs Python 3.11 or newer; none was found. Install one, or name it: make run PYTHON=/path/to/python3" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo "This Python has no venv module. On Debian and Ubuntu: apt install python3-venv" >&2; exit 1; }
	@$(PYTHON) -m venv .venv

# Bytecode is compiled here, once: the first start would otherwise take two to three times as long.
.venv/run.stamp: requirements.lock | .venv/bin/python
	@echo "Installing Rapport into .venv (about half a minute, once) ..." >&2
	@$(PIP) -r requirements.lock </dev/null
	@$(BIN)/python -m compileall -q $(CODE)
	@touch $@

.venv/dev.stamp: requirements-dev.lock pyproject.toml | .venv/bin/python
	@echo "Installing Rapport and its tools into .venv (about a minute, once) ..." >&2
	@$(PIP) -r requirements-dev.lock </dev/null
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e . </dev/null
	@touch $@ .venv/run.stamp

# The peers have an environment of their own, or they would decide what versions Rapport runs on. Where they cannot be
# installed, there is no stamp, and bench.cost says that they are missing.
.venv-peers/peers.stamp: bench/peers-requirements.txt | .venv/bin/python
	@echo "Installing mem0 and LangMem into .venv-peers (about a minute, once, for bench-cost alone) ..." >&2
	@rm -f $@
	@$(PYTHON) -m venv .venv-peers && .venv-peers/bin/python -m pip install --disable-pip-version-check -r $< \
		</dev/null >.venv-peers/pip.log 2>&1 && touch $@ || true
