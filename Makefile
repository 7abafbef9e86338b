# Each target makes .venv first when it is missing or older than requirements.lock (bin/bootstrap).
.DEFAULT_GOAL := help
# Our code has strict rules. What users add, in tasks/ or beside it, is only checked for errors.
PLATFORM := api benchmarks clients project tests tasks/__init__.py tasks/control.py \
    tasks/emails tasks/exports tasks/rendering tasks/reports tasks/webhooks
.NOTPARALLEL:
.PHONY: help up demo check verify test next lint chaos contract fuzz celery-suite bench audit lock clients release ready

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s  %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

up: ready ## everything on this machine: API, worker, beat, Flower, Valkey, mail sink; RELOAD=1 follows changed code
	@.venv/bin/python -m project.local.up $(if $(RELOAD),--reload)

demo: ready ## start everything, do a report and a small blast, show what came out, stop
	@.venv/bin/python -m project.local.demo

test: lint ## all checks and all tests; the chaos suite measures times, so it runs alone
	.venv/bin/python -m pytest $(TEST_OPTIONS) tests/chaos
	.venv/bin/python -m pytest $(TEST_OPTIONS) --numprocesses=$(or $(TEST_PROCESSES),3) --dist=loadfile --no-loadscope-reorder --ignore=tests/chaos

check: ready ## are the settings right, and does every service they name work?
	@.venv/bin/python -m project.check

verify: ready ## has every record in Redis what its state demands?
	@.venv/bin/python -m project.verify

next: ready ## the tests on the newest Celery, kombu and billiard
	@bin/bootstrap uv venv --quiet --allow-existing .bootstrap/next
	@bin/bootstrap uv pip install --quiet --python .bootstrap/next -r requirements.lock
	@bin/bootstrap uv pip install --quiet --python .bootstrap/next --upgrade celery kombu billiard
	.bootstrap/next/bin/python -m pytest --numprocesses=3 --dist=loadfile --no-loadscope-reorder

lint: ready ## the checks alone: style, types, direction of imports
	.venv/bin/ruff check $(PLATFORM)
	.venv/bin/ruff check --select E9,F63,F7,F82 .
	.venv/bin/ruff format --check $(PLATFORM)
	.venv/bin/mypy
	.venv/bin/mypy --config-file clients/python/pyproject.toml clients/python/src
	.venv/bin/lint-imports

chaos: ready ## kill, stop and cut off everything; count what is lost or doubled (half an hour)
	@.venv/bin/python -m tests.chaos

contract: ready ## try out /openapi.json: 10,000 requests that schemathesis makes up (a quarter of an hour)
	@.venv/bin/python -m tests.contract

fuzz: ready ## 100,000 odd calls and messages: each is refused or ends (ten minutes)
	@.venv/bin/python -m tests.fuzz

celery-suite: ready ## Celery's own integration tests, on stock Celery and on this code (a quarter of an hour)
	@.venv/bin/python -m tests.celery_suite

bench: ready ## this stack beside six others, in 20 minutes; QUICK=1 in less than three
	@.venv/bin/python -m benchmarks $(if $(QUICK),--quick)

audit: ## known vulnerabilities of the pinned packages, as the package index knows them
	@bin/bootstrap uv tool run --quiet 'pip-audit>=2.9' --strict --no-deps --disable-pip --progress-spinner off \
	    -r requirements-runtime.lock -r requirements.lock

clients: ready ## build the clients into dist/: wheel, source archive and npm tarball
	@bin/build-clients dist

release: ready ## build and check what is published, into dist/: clients, source archive, checksums
	@bin/release

lock: ## write the lock files from pyproject.toml; UPGRADE=1 takes newer versions
	@bin/lock

ready:
	@bin/bootstrap
