"""A worker refuses a configuration of Celery by which records would be lost."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import project.celery
from project.celery import Continuo, create_app
from project.errors import UnsafeStart
from project.settings.values import Settings
from project.worker.requirements import check_configuration
from tests.support.apps import kinds
from tests.support.programs.processes import ROOT
from tests.support.programs.workers import JobInspector, Workers


@pytest.fixture
def app() -> Iterator[Continuo]:
    """An app of its own."""
    made = create_app(Settings())
    yield made
    made.close()
    project.celery.app.set_current()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("result_backend", "redis://127.0.0.1:1/0"),
        ("broker_url", "redis://127.0.0.1:1/0"),
        ("worker_consumer", "celery.worker.consumer:Consumer"),
        ("broker_transport", "redis"),
        ("task_serializer", "yaml"),
        ("accept_content", ["yaml"]),
        ("task_create_missing_queues", False),
        ("task_default_exchange_type", "topic"),
    ],
)
def test_a_setting_that_would_lose_records_is_refused_by_name(
    app: Continuo, name: str, value: object
) -> None:
    check_configuration(app)

    app.conf[name] = value

    with pytest.raises(UnsafeStart, match=name):
        check_configuration(app)


def test_a_queue_with_another_exchange_is_refused_by_name(app: Continuo) -> None:
    app.conf.task_queues = {"news": {"exchange": "news", "exchange_type": "fanout"}}

    with pytest.raises(UnsafeStart, match="task_queues: news"):
        check_configuration(app)


def test_the_worker_program_says_so_and_ends(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(
        "from project.celery import app\napp.conf.result_backend = 'rpc://'\n"
    )
    command = [sys.executable, "-m", "celery", "-A", "mine", "--workdir", str(tmp_path), "worker"]

    done = subprocess.run(
        command,
        cwd=ROOT,
        env={"PYTHONPATH": str(ROOT), "DATA_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )

    assert done.returncode == 1, done
    assert "result_backend is set otherwise than by Continuo" in done.stdout + done.stderr


def test_a_solo_worker_does_not_wait_between_jobs(
    inspector: JobInspector, workers: Workers
) -> None:
    jobs = [kinds.add.delay(1, number) for number in range(100)]
    workers.start("--pool=solo").ready()

    inspector.wait_until_final(jobs[-1].id, 6)  # it took 16 seconds
