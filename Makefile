# trainwell: `make demo` shows the main job, `make test` passes the tests; both set everything up.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed
# Small networks train fastest on one thread a process; idle threads must not spin.
export OMP_WAIT_POLICY ?= PASSIVE

.PHONY: help demo test crash slow browser corpus check format lint types layers clean install

help:  ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

install: $(STAMP)  ## create .venv and install the pinned requirements and the package

$(STAMP): requirements.lock pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "installing pinned requirements into $(VENV) (once) ..."
	@$(BIN)/pip install --quiet --disable-pip-version-check -r requirements.lock
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

demo: $(STAMP)  ## improve a poor recipe on real data (scikit-learn digits), about a minute
	@rm -rf demo-output
	$(BIN)/trainwell improve digits --set optimizer=sgd --set optimizer.lr=1e-4 --budget 80s --out demo-output

test: $(STAMP)  ## the fast tests, without network
	$(BIN)/python -m pytest -m "not slow and not browser" -n 2

crash: $(STAMP)  ## kill trainings at 30 random moments and compare to the bit (1 minute)
	$(BIN)/python -m pytest tests/crash

slow: $(STAMP)  ## the slower tests beside the crash test
	$(BIN)/python -m pytest -m "slow and not browser" --ignore tests/crash --ignore tests/corpus

browser: $(STAMP)  ## look at the pages in headless Chromium
	$(BIN)/python -m pytest -m browser

corpus: $(STAMP)  ## check the faulty and healthy programs; detection and false alarms
	$(BIN)/python tests/corpus/run.py

check: $(STAMP) format lint types layers  ## formatting, lint, types, layers

format: $(STAMP)
	$(BIN)/ruff format --check .

lint: $(STAMP)
	$(BIN)/ruff check .

types: $(STAMP)
	$(BIN)/mypy

layers: $(STAMP)
	$(BIN)/lint-imports

clean:  ## remove the environment and caches
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis demo-output
