# Everything a checkout needs. The first `make demo` or `make test` makes .venv; nothing is installed outside of it,
# but the Debian packages that `make test` wants when it runs as root (tests/servers/packages).
# Standard output belongs to the command that is asked for: recipes are silent and the installer writes to stderr.

# One Python to build .venv with; the first of these that is 3.11 or newer and has venv.
PYTHON ?= python3.11 python3 python3.12 python3.13 python3.14

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet --require-virtualenv
# Stamps: newer than the pins means installed. The tests' pins hold the same versions as the others, and more.
RUN := $(VENV)/run.installed
TEST := $(VENV)/test.installed

# Empty where nothing could be compiled. HOT: what every event passes (hatch_build.py says the same to itself).
COMPILED := build/compiled
HOT := $(shell sed -n 's/^    "\(bridge.*\)",$$/\1/p' hatch_build.py)
# The tests of those modules, for a second run as they are written.
PLAIN := $(wildcard $(patsubst bridge/%,tests/unit/%,$(foreach module,$(HOT),$(dir $(module))test_$(notdir $(module)))))

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo test servers check format bench bench-stages bench-instructions bench-memory bench-start bench-latency torture compiled plain docs pins clean

help: ## what can be made
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 22

demo: $(RUN) $(wildcard $(COMPILED)) ## a worker and its tasks in one process, through the real chain, as JSON lines
	@$(BIN)/celery-bridge demo

test: servers $(COMPILED) ## all tests; as root it installs the servers they need
	@$(BIN)/python -m pytest
	@if test -s $(COMPILED); then $(BIN)/python -m pytest -q -p tests.plain $(PLAIN); fi

servers: $(TEST) ## what the tests' servers need: Debian packages when root, Kafka's jars
	@sh tests/servers/packages >&2
	@$(BIN)/python -m tests.servers.kafka fetch >&2 || echo "Kafka's jars could not be fetched" >&2

check: $(TEST) ## lint, format, types, direction of imports
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

format: $(TEST) ## format the code and fix what can be fixed
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

bench: servers $(COMPILED) ## CPU per event beside bento and the script that everyone writes; real RabbitMQ, Redis and Kafka
	@$(BIN)/python -m tests.bench

bench-stages: $(COMPILED) ## CPU per event of the stages alone, and of replay to the null device
	@$(BIN)/python -m tests.bench.stages; stages=$$?; echo; $(BIN)/python -m tests.bench.replay && exit $$stages

bench-instructions: $(COMPILED) ## instructions per event of the stages, which no busy machine changes (needs valgrind)
	@$(BIN)/python -m tests.bench.instructions

bench-memory: $(COMPILED) ## memory of a task, after 1,000,000 events, and over 10,000,000 tasks
	@failed=0; \
	$(BIN)/python -m tests.bench.memory live || failed=1; echo; \
	$(BIN)/python -m tests.bench.replay --events 1000000 --max-tasks 10000 --bar-mib 120 || failed=1; echo; \
	$(BIN)/python -m tests.bench.memory distinct || failed=1; exit $$failed

bench-start: servers $(COMPILED) ## CPU until the first record is in Kafka, and of --help
	@$(BIN)/python -m tests.bench.start

bench-latency: servers $(COMPILED) ## from publication to record, one event at a time
	@$(BIN)/python -m tests.bench.latency

torture: servers $(COMPILED) ## long runs with their own account: kills, outages, stops; NAME="kill stop" says which
	@$(BIN)/python -m tests.torture $(NAME)

compiled: $(COMPILED) ## compile what every event passes (needs a C compiler); `make plain` takes it away again

plain: ## take away what was compiled
	@find bridge -name '*.so' -delete
	@rm -f bridge__mypyc.*.so $(COMPILED)

docs: $(TEST) ## write docs/reference again
	@$(BIN)/python docs/generate.py

pins: ## resolve requirements/*.txt again (needs uv)
	@uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	  --group build -o requirements/run.txt pyproject.toml
	@uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	  --group build --group test -c requirements/run.txt -o requirements/test.txt pyproject.toml

$(COMPILED): $(TEST) hatch_build.py $(HOT) $(wildcard bridge/fast/*.h)
	@mkdir -p $(@D)
	@echo "compiling what every event passes" >&2
	@if $(BIN)/python hatch_build.py >$@.log 2>&1; then echo yes >$@; else \
	  tail -n 3 $@.log >&2; echo "not compiled: the plain modules do the same, slower" >&2; : >$@; fi

clean: plain ## remove everything that git ignores of what was made here
	@rm -rf $(VENV) .cache .*_cache .hypothesis build dist
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(BIN)/python:
	@for python in $(PYTHON); do \
	  "$$python" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || continue; \
	  echo "making $(VENV) with $$("$$python" --version)" >&2; \
	  exec "$$python" -m venv --clear $(VENV) >&2; \
	done; \
	echo "No Python 3.11 or newer with the venv module found (tried: $(PYTHON))." >&2; \
	echo "Install one (on Debian: apt-get install python3-venv), or say which: make PYTHON=/path/to/python" >&2; \
	exit 1

$(RUN): requirements/run.txt pyproject.toml | $(BIN)/python
	@echo "installing requirements/run.txt into $(VENV)" >&2
	@$(PIP) --require-hashes -r requirements/run.txt >&2
	@$(PIP) --no-deps --no-build-isolation -e . >&2
	@touch $@

$(TEST): requirements/test.txt pyproject.toml | $(BIN)/python
	@echo "installing requirements/test.txt into $(VENV)" >&2
	@$(PIP) --require-hashes -r requirements/test.txt >&2
	@$(PIP) --no-deps --no-build-isolation -e . >&2
	@touch $@ $(RUN)
