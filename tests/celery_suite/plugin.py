"""The pytest plugin of the suite: writes down each outcome, and puts Continuo in Celery's place.

Environment: ``SUITE_OUTCOMES`` is the file for the outcomes (JSON, test name -> outcome).
``SUITE_WORKER`` is ``stock`` (the suite as it is), ``inside`` (Continuo, its worker in a thread of
the test process) or ``outside`` (Continuo, ``celery -A project worker`` runs beside the tests, with
the node name ``SUITE_NODE``, which the suite takes for that of its own process).
"""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import celery.contrib.pytest as fixtures
import pytest
from celery.utils import nodenames

WORKER = os.environ["SUITE_WORKER"]
TEST_TIMEOUT_SECONDS = 60

NEVER_LEFT: list[Any] = []
"""Context managers that have to stay open until the process has ended."""

OUTCOMES: dict[str, str] = {}


class RedisUrl(str):
    """A URL of a result backend that is a Redis: the suite skips tests when it is not."""

    __slots__ = ()

    def startswith(self, prefix: Any, *bounds: Any) -> bool:
        """Whether it starts with the prefix, or the prefix is ``redis`` or has it."""
        prefixes = prefix if isinstance(prefix, tuple) else (prefix,)
        return "redis" in prefixes or super().startswith(prefix, *bounds)


@pytest.fixture(scope="session")
def continuo_app() -> Any:
    """Continuo's app, current and default, with the tasks of the suite."""
    from project.celery import app

    app.conf.result_backend = RedisUrl(app.conf.result_backend)
    app.set_default()
    app.set_current()
    for module in ("celery.contrib.testing.tasks", "tests.celery_suite.suite_tasks"):
        app.loader.import_task_module(module)
    app.finalize()
    return app


@pytest.fixture(scope="session")
def session_app(continuo_app: Any) -> Any:
    """The app of the session."""
    return continuo_app


@pytest.fixture
def function_app(continuo_app: Any) -> Iterator[Any]:
    """The app of a test, which may set another URL of its result backend."""
    url = continuo_app.conf.result_backend
    yield continuo_app
    continuo_app.conf.result_backend = url


@pytest.fixture(scope="session")
def session_worker(continuo_app: Any) -> Iterator[Any]:
    """A worker in a thread of this process, with one pool process.

    It is not stopped: a worker of ours ends its process, and this one has to print a summary.
    """
    from celery.contrib.testing.worker import start_worker

    if WORKER == "outside":
        yield None
        return
    running = start_worker(continuo_app, pool=continuo_app.conf.worker_pool)
    NEVER_LEFT.append(running)
    yield running.__enter__()


if WORKER == "outside":
    nodenames.anon_nodename = lambda *_, **__: os.environ["SUITE_NODE"]
if WORKER != "stock":
    # the suite's conftest imports these by their names
    fixtures.celery_session_app = session_app
    fixtures.celery_app = function_app
    fixtures.celery_session_worker = session_worker


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Take away repetitions and long time limits: each test has one try."""
    for item in items:
        item.own_markers = [
            mark for mark in item.own_markers if mark.name not in {"flaky", "timeout"}
        ]
        item.add_marker(pytest.mark.timeout(TEST_TIMEOUT_SECONDS))


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Note the outcome of a test; a failed set-up or clean-up fails it."""
    if report.when == "call" or report.outcome != "passed":
        is_expected = hasattr(report, "wasxfail")
        outcome = {"passed": "xpassed", "skipped": "xfailed"}.get(report.outcome, report.outcome)
        OUTCOMES[report.nodeid] = outcome if is_expected else report.outcome


def pytest_sessionfinish() -> None:
    """Write the outcomes."""
    Path(os.environ["SUITE_OUTCOMES"]).write_text(json.dumps(OUTCOMES))
