# Two commands need only Python 3.11, 3.12 or 3.13 and package indexes: `make run` and `make test`. Both set up first.

# The first that runs and will do: a version manager's stand-in for one that it doesn't use is there and doesn't run.
WILL_DO := import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))
PYTHON ?= $(shell for python in python3.11 python3.12 python3.13 python3; do \
	$$python -c '$(WILL_DO)' 2> /dev/null && command -v $$python && break; done)
BIN := .venv/bin
READY := .venv/.ready
SPARK := .venv/.spark
WEB := dagster_project/publication/web
FRONTEND := build/frontend/site.css
QUARTERS := 2025-26-Q1 2025-26-Q2 2025-26-Q3 2025-26-Q4 2026-27-Q1 2026-27-Q2
SPREAD := -n auto --dist loadgroup --no-loadscope-reorder

.PHONY: run test test-unit dev docs docs-reference benchmark lint format setup wheel lock clean

run: $(READY) $(FRONTEND)  ## set up, then build every league table of the bundled fictional sample, and pages of them
	$(BIN)/league run $(QUARTERS) --sample
	$(BIN)/league publish

test: $(READY) $(SPARK) $(FRONTEND)  ## set up, then run every test; LEAGUE_REQUIRE=official forbids skipping those on official files
	$(BIN)/python -m pytest $(SPREAD)

test-unit: $(READY) $(SPARK) $(FRONTEND)  ## set up, then run the unit tests alone
	$(BIN)/python -m pytest $(SPREAD) tests/unit

dev: $(READY) $(FRONTEND)  ## set up, then open Dagster's web server on the project
	$(BIN)/league dev

docs: $(READY)  ## set up, then build README, docs, dbt's pages and the quality pages for reading offline: build/docs
	$(BIN)/league docs site

docs-reference: $(READY)  ## write docs/reference anew from dbt, the seeds and the suites
	$(BIN)/league docs reference

benchmark: $(READY)  ## measure runs, scoring and readers beside their baselines (about an hour); OFFICIAL=DIR for official files
	$(BIN)/python benchmarks $(if $(OFFICIAL),--extracts $(OFFICIAL)) --page

lint: $(READY) $(SPARK)  ## ruff, mypy and sqlfluff
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/sqlfluff lint dbt/models dbt/macros dbt/tests

format: $(READY)  ## let ruff and sqlfluff mend what they can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/sqlfluff fix dbt/models dbt/macros dbt/tests

setup: $(READY) $(FRONTEND)  ## make the virtual environment from the lock, parse the dbt project, make the pages' style sheet

wheel: $(READY)  ## build the source distribution and, from it, the wheel: dist
	$(BIN)/python -m build --no-isolation

$(READY): requirements.lock pyproject.toml
	@"$(PYTHON)" -c '$(WILL_DO)' 2> /dev/null || \
		{ echo "Python 3.11, 3.12 or 3.13 is needed: make PYTHON=/path/to/python3.11 ..." >&2; exit 1; }
	rm -rf .venv
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	touch $(READY)
	$(BIN)/python -m dagster_project.lineage

$(SPARK): $(READY) requirements-spark.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-spark.lock
	touch $(SPARK)

$(FRONTEND): $(READY) hatch_build.py $(WEB)/package.json $(WEB)/package-lock.json $(wildcard $(WEB)/*.scss)
	$(BIN)/python hatch_build.py

lock:  ## resolve the locks anew; needs uv
	uv pip compile pyproject.toml --extra postgresql --extra lake --extra production --extra dev --universal \
		--python-version 3.11 --generate-hashes --no-emit-index-url --no-strip-extras --quiet \
		--custom-compile-command "make lock" -o requirements.lock
	uv pip compile pyproject.toml --extra postgresql --extra lake --extra production --constraint requirements.lock \
		--universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-strip-extras --quiet \
		--custom-compile-command "make lock" -o requirements-production.lock
	uv pip compile pyproject.toml --extra spark --constraint requirements.lock --universal \
		--python-version 3.11 --generate-hashes --no-emit-index-url --no-strip-extras --quiet \
		--custom-compile-command "make lock" -o requirements-spark.lock
	uv pip compile benchmarks/requirements.in --universal --python-version 3.11 --generate-hashes \
		--no-emit-index-url --quiet --custom-compile-command "make lock" -o benchmarks/requirements.lock

clean:  ## remove the virtual environment and caches; data stay
	rm -rf .venv build dist dbt/target dbt/logs .pytest_cache .mypy_cache .ruff_cache .hypothesis
