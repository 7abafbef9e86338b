# Each target makes .venv first when it is missing or older than requirements.lock (bin/bootstrap).
.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help up demo check verify test next lint chaos contract bench lock ready

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s  %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

up: ready ## everything on this machine: API, worker, beat, Flower, Valkey, mail sink; Ctrl-C stops it
	@.venv/bin/python -m project.local.up

demo: ready ## start everything, do a report and a small blast, show what came out, stop
	@.venv/bin/python -m project.local.demo

test: lint ## all checks and all tests; the chaos suite measures times, so it runs alone
	.venv/bin/python -m pytest tests/chaos
	.venv/bin/python -m pytest --numprocesses=3 --dist=loadfile --no-loadscope-reorder --ignore=tests/chaos

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
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy
	.venv/bin/lint-imports

chaos: ready ## kill, stop and cut off everything; count what is lost or doubled (half an hour)
	@.venv/bin/python -m tests.chaos

contract: ready ## try out /openapi.json: 10,000 requests that schemathesis makes up (a quarter of an hour)
	@.venv/bin/python -m tests.contract

bench: ready ## this stack beside six others, in 20 minutes; QUICK=1 in less than three
	@.venv/bin/python -m benchmarks $(if $(QUICK),--quick)

lock: ## write the lock files from pyproject.toml; UPGRADE=1 takes newer versions
	@bin/lock

ready:
	@bin/bootstrap
