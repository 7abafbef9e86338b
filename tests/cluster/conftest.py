"""pytest-celery's cluster, made of processes instead of containers.

pytest-celery needs little of a container: a name, a status, a log, and a way to kill and
restart it. ``Node`` provides that with a ``Program``.
"""

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import celery
import pytest
import redis
from pytest_celery import (
    CeleryBackendCluster,
    CeleryBrokerCluster,
    CeleryTestBackend,
    CeleryTestBroker,
    CeleryTestContainer,
    CeleryTestSetup,
    CeleryTestWorker,
    CeleryWorkerCluster,
)

from project.celery import app as app_of_the_tests
from project.celery import create_app
from project.settings.values import Settings
from tests.support.ports import find_free_port
from tests.support.programs.processes import Program, is_alive, list_children
from tests.support.programs.workers import JobInspector
from tests.support.waiting import wait_until

SIGNALS_BY_NAME = {number.name: number for number in signal.Signals}


class Node(CeleryTestContainer):
    """A process in place of a container."""

    def __init__(self, name: str, command: list[str], prompt: str, **environment: str) -> None:
        self._name = name
        self._command = command
        self._prompt = prompt
        self._environment = environment
        self._folder = Path(environment["DATA_DIR"])
        self._starts = 0
        self._start()

    def _start(self) -> None:
        self._starts += 1
        log = self._folder / f"{self._name}-{self._starts}.log"
        self.program = Program(self._command, log, self._environment)

    @property
    def name(self) -> str:
        return self._name

    @property
    def id(self) -> str:
        return f"{self._name}-{self.program.pid}"

    @property
    def status(self) -> str:
        return "running" if self.program.is_running else "exited"

    def logs(self, **_: Any) -> str:
        return self.program.output

    def reload(self) -> None:
        """Do nothing: no state is cached."""

    def ready(self) -> bool:
        self.program.wait_for_output(self._prompt)
        return True

    def kill(self, signal: str = "SIGKILL") -> None:
        """Signal the process; SIGKILL goes to its children first."""
        family = [*list_children(self.program.pid), self.program.pid]
        for pid in family if signal == "SIGKILL" else family[-1:]:
            os.kill(pid, SIGNALS_BY_NAME[signal])
        self.program.wait()
        wait_until(lambda: not any(map(is_alive, family)))

    def restart(self, timeout: int = 10) -> None:
        if self.program.is_running:
            self.kill("SIGTERM")
        self._start()
        self.ready()

    def teardown(self) -> None:
        self.program.kill()


class ValkeyNode(Node):
    """The bundled server, run by ``python -m project.local.valkey``."""

    def __init__(self, folder: Path) -> None:
        self.port = find_free_port()
        super().__init__(
            "valkey",
            [sys.executable, "-m", "project.local.valkey"],
            "valkey answers",
            DATA_DIR=str(folder),
            VALKEY_PORT=str(self.port),
        )

    @property
    def celeryconfig(self) -> dict[str, Any]:
        url = f"redis://127.0.0.1:{self.port}/0"
        return {
            "url": url,
            "host_url": url,
            "hostname": "127.0.0.1",
            "port": self.port,
            "vhost": "0",
        }


class WorkerNode(Node):
    """``celery -A project worker``, which pytest-celery finds under the name ``cluster``."""

    def __init__(self, folder: Path, url: str) -> None:
        command = [sys.executable, "-m", "celery", "-A", "project", "worker", "--loglevel=INFO"]
        command += [
            "--include=tests.support.apps.kinds",
            "--concurrency=2",
            "--hostname=cluster@%h",
        ]
        command += ["--without-mingle"]
        super().__init__(
            "worker", command, " ready.", DATA_DIR=str(folder), REDIS_URL=url, LEASE_SECONDS="2"
        )

    def version(self) -> str:
        return str(celery.__version__)

    def log_level(self) -> str:
        return "INFO"

    def worker_name(self) -> str:
        return "cluster"

    def worker_queue(self) -> str:
        return "celery"


@pytest.fixture
def celery_broker_cluster(tmp_path: Path) -> Iterator[CeleryBrokerCluster]:
    """One Valkey with its own data."""
    node = CeleryTestBroker(ValkeyNode(tmp_path))
    node.ready()
    yield CeleryBrokerCluster(node)
    node.teardown()


@pytest.fixture
def celery_backend_cluster(celery_broker_cluster: CeleryBrokerCluster) -> CeleryBackendCluster:
    """The same Valkey, which has records and messages."""
    return CeleryBackendCluster(CeleryTestBackend(celery_broker_cluster[0].container))


@pytest.fixture
def celery_setup_app(celery_broker_cluster: CeleryBrokerCluster) -> Iterator[celery.Celery]:
    """Our app on the cluster's broker."""
    (url,) = celery_broker_cluster.config()["host_urls"]
    yield create_app(Settings(redis_url=url))
    app_of_the_tests.set_current()


@pytest.fixture
def celery_worker_cluster(
    celery_broker_cluster: CeleryBrokerCluster, celery_setup_app: celery.Celery, tmp_path: Path
) -> Iterator[CeleryWorkerCluster]:
    """One worker."""
    (url,) = celery_broker_cluster.config()["host_urls"]
    node = CeleryTestWorker(WorkerNode(tmp_path, url), celery_setup_app)
    node.ready()
    yield CeleryWorkerCluster(node)
    node.teardown()


@pytest.fixture
def inspector(celery_setup: CeleryTestSetup) -> Iterator[JobInspector]:
    """Reads the cluster's jobs from outside."""
    url = celery_setup.app.conf.broker_url
    with redis.Redis.from_url(url, decode_responses=True, socket_timeout=None) as client:
        yield JobInspector(celery_setup.app, client)
