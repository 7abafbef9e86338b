"""Messages by RabbitMQ, records in Redis: nothing between the two is lost."""

import os
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import celery
import pytest
import redis

from project.celery import Continuo, create_app
from project.job.result import JobResult
from project.records.record import TaskRecord, TaskStatus
from project.records.workflow import Workflow
from project.schedules.timing import every
from project.settings.values import Settings, get_settings
from project.store.commands import callbacks, jobs, queries
from project.store.commands.queries import RecordFilter
from project.worker.upkeep.guard import Guard
from project.workflows.building import item, result_of, workflow
from tests.support.apps import nodes
from tests.support.apps.kinds import add
from tests.support.ports import find_free_port
from tests.support.programs.processes import ROOT
from tests.support.programs.workers import WorkerProgram
from tests.support.servers.rabbitmq import RabbitMQ
from tests.support.servers.scripted_smtp import ScriptedSmtpServer
from tests.support.waiting import wait_until


@pytest.fixture(scope="module")
def rabbitmq(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a real RabbitMQ, run for this module."""
    if not RabbitMQ.is_installed():
        (pytest.fail if os.environ.get("CI") else pytest.skip)("rabbitmq-server is not installed")
    server = RabbitMQ(tmp_path_factory.mktemp("rabbitmq"))
    try:
        server.start()
        yield server.url
    finally:
        server.kill()


@pytest.fixture
def app(client: redis.Redis, rabbitmq: str, monkeypatch: pytest.MonkeyPatch) -> Continuo:
    """An app of our own on RabbitMQ; the Redis of the tests keeps its records."""
    client.flushall()
    monkeypatch.setenv("BROKER_URL", rabbitmq)
    made = create_app(Settings())
    empty_the_queue(made)
    return made


def empty_the_queue(app: Continuo) -> None:
    """Throw away the messages that the test before has left, once its workers are gone."""
    with app.connection_for_write() as connection:
        channel = connection.default_channel
        queue = app.amqp.queues[app.conf.task_default_queue](channel)
        queue.declare()
        wait_until(lambda: not channel.queue_declare(queue.name, passive=True).consumer_count)
        queue.purge()


@pytest.fixture
def worker(app: Continuo, rabbitmq: str, tmp_path: Path) -> Iterator[WorkerProgram]:
    hired = start_worker(rabbitmq, tmp_path, "w1")
    yield hired
    hired.kill()


def start_worker(rabbitmq: str, folder: Path, name: str, **more: str) -> WorkerProgram:
    url = get_settings().store_url
    environment = {"BROKER_URL": rabbitmq, "REDIS_URL": url, "LEASE_SECONDS": "2"} | more
    return WorkerProgram(folder, name, DATA_DIR=str(folder), **environment).ready()


def final(result: JobResult, seconds: float = 30) -> TaskRecord:
    def look() -> TaskRecord | None:
        record = result.record
        return record if record and record.is_final else None

    found = wait_until(look, seconds)
    assert found is not None
    return found


def test_a_job_goes_through_rabbitmq_and_leaves_no_outbox_entry(
    app: Continuo, worker: WorkerProgram, client: redis.Redis
) -> None:
    result = app.send_task("tests.add", (1, 2))

    assert final(result).result == 3
    assert client.zcard("continuo:unsent") == 0
    assert client.exists("celery") == 0


def test_a_record_without_a_message_is_sent_within_a_minute(
    app: Continuo, worker: WorkerProgram, client: redis.Redis
) -> None:
    message = add.message((2, 3))
    app.store.run(jobs.enqueue(message))  # and the process dies here

    client.zadd("continuo:unsent", {message.id: 1.0})  # a while ago

    assert final(app.AsyncResult(message.id)).result == 5


def test_a_message_sent_twice_runs_once(
    app: Continuo, worker: WorkerProgram, client: redis.Redis
) -> None:
    message = add.message((2, 3))
    app.store.run(jobs.enqueue(message))
    assert app.publisher is not None
    assert app.publisher.resend(app.store, waited=0) == 1

    client.zadd("continuo:unsent", {message.id: 1.0})
    client.hset(f"continuo:job:{message.id}", "message", message.text)
    record = final(app.AsyncResult(message.id))
    assert (record.result, record.attempts) == (5, 1)

    wait_until(lambda: client.zcard("continuo:unsent") == 0, 30)
    assert app.AsyncResult(message.id).record == record


def test_jobs_sleep_and_wait_for_signals(app: Continuo, rabbitmq: str, tmp_path: Path) -> None:
    environment = {"BROKER_URL": rabbitmq, "REDIS_URL": get_settings().store_url}
    include = "--include=tests.support.apps.steps"
    hired = WorkerProgram(tmp_path, "w1", include, DATA_DIR=str(tmp_path), **environment).ready()
    sleepy = app.send_task("tests.sleepy", kwargs={"seconds": 0.2})
    approved = app.send_task("tests.approved")
    wait_until(lambda: approved.record.status is TaskStatus.WAITING, 30)

    answer = approved.signal("approval", {"approved": True, "by": "Ada"})

    ends = [final(sleepy).result, final(approved, 10).result]
    hired.kill()
    assert (answer, ends) == ("sent", ["rested", "Approval True Ada"])


def test_a_workflow_fans_out_and_in(app: Continuo, rabbitmq: str, tmp_path: Path) -> None:
    environment = {"BROKER_URL": rabbitmq, "REDIS_URL": get_settings().store_url}
    include = "--include=tests.support.apps.nodes"
    hired = WorkerProgram(tmp_path, "w1", include, DATA_DIR=str(tmp_path), **environment).ready()
    calls = (
        workflow("rows")
        .add("list", nodes.list_customers, count=7)
        .add("each", nodes.echo, for_each=result_of("list", "rows"), value=item())
        .add("late", nodes.echo, value="late", options={"countdown": 0.5})
        .add("end", nodes.echo, value=result_of("each"), after=["late"])
        .calls
    )
    made = app.workflows.submit("rows", calls)

    def look() -> Workflow | None:
        page = app.workflows.get(made.id)
        return page.workflow if page and page.workflow.is_final else None

    ended = wait_until(look, 30)
    hired.kill()

    assert (ended.status, ended.nodes.success) == ("success", 11)
    assert app.store.client.zcard("continuo:unsent") == 0


def test_the_callback_of_a_job_is_delivered_by_its_own_job(
    app: Continuo, worker: WorkerProgram, client: redis.Redis
) -> None:
    message = add.message((2, 3), callback_url="http://nobody.invalid/")
    app.enqueue(message)
    final(app.AsyncResult(message.id))

    delivery = app.AsyncResult(app.store.run(callbacks.read_last_delivery_id(message.id)))
    wait_until(lambda: delivery.record and delivery.record.status == "retrying", 10)

    assert client.zcard("continuo:unsent") == 0


def test_a_job_that_was_acknowledged_early_fails_when_its_worker_is_killed(
    app: Continuo, worker: WorkerProgram, client: redis.Redis, rabbitmq: str, tmp_path: Path
) -> None:
    result = app.send_task("tests.early")
    assert client.blpop([f"tests:held:{result.id}"], 15)
    os.kill(worker.pid, signal.SIGKILL)
    second = start_worker(rabbitmq, tmp_path, "w2")
    wait_until(lambda: client.zcard("continuo:workers") == 1)

    try:
        Guard(app.store).check()
        record = final(result)
    finally:
        second.kill()

    assert (record.status, record.attempts) == ("failed", 1)
    assert "acks_late=False" in record.error


@pytest.fixture
def server() -> Iterator[ScriptedSmtpServer]:
    with ScriptedSmtpServer() as scripted:
        thread = threading.Thread(target=scripted.serve_forever, args=(0.05,))
        thread.start()
        yield scripted
        scripted.shutdown()
        thread.join(10)


def test_a_large_blast_is_sent_completely_by_several_jobs(
    app: Continuo, rabbitmq: str, server: ScriptedSmtpServer, client: redis.Redis, tmp_path: Path
) -> None:
    people = [f"user{number}@example.org" for number in range(2_600)]
    server.once("rcpt", people[1_700], "451 4.7.1 greylisted")
    smtp = f"smtp://127.0.0.1:{server.server_address[1]}"
    # one who is greylisted, and turns of three quarters of the time to drain: more than one turn
    hired = start_worker(rabbitmq, tmp_path, "w1", SMTP_URL=smtp, DRAIN_SECONDS="2")
    try:
        said = {"recipients": people, "template": "default"}
        record = final(app.send_task("email_blast", kwargs=said), 120)
        assert (record.status, record.attempts) == ("success", 1)
        assert record.result["sent"] == len(people)
        assert server.times == Counter(people)

        helpers = queries.list_page(RecordFilter(kinds=["email_blast_help"]), limit=1, cursor=None)
        assert (app.store.run(helpers).total or 0) >= 2
        assert client.zcard("continuo:unsent") == 0
    finally:
        hired.kill()


def test_the_job_of_a_dead_worker_runs_again(
    app: Continuo, worker: WorkerProgram, rabbitmq: str, tmp_path: Path, client: redis.Redis
) -> None:
    result = app.send_task("tests.hold")
    first = client.blpop([f"tests:held:{result.id}"], 15)
    assert first is not None
    second = start_worker(rabbitmq, tmp_path, "w2")
    try:
        worker.send(signal.SIGKILL)
        again = client.blpop([f"tests:held:{result.id}"], 30)
        assert again is not None
        client.rpush(f"tests:go:{again[1]}", 1)

        record = final(result)

        assert (record.status, record.attempts, record.interruptions) == ("success", 1, 1)
    finally:
        second.kill()


def test_a_schedule_sends_its_jobs_through_rabbitmq(app: Continuo, worker: WorkerProgram) -> None:
    app.schedules.put("each second", "tests.add", every(1), args=(1, 2))

    def list_succeeded() -> set[str]:
        entries = app.schedules.history("each second")
        return {each.job for each in entries if each.status is TaskStatus.SUCCESS}

    wait_until(lambda: len(list_succeeded()) >= 3, 30)
    app.schedules.pause("each second")
    fired = [each.due for each in app.schedules.history("each second") if each.what == "fired"]
    assert len(fired) == len(set(fired))


def test_jobs_are_accepted_while_rabbitmq_is_down(
    client: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    client.flushall()
    monkeypatch.setenv("BROKER_URL", f"amqp://guest:guest@127.0.0.1:{find_free_port()}//")
    away = create_app(Settings())

    result = away.send_task("tests.add", (1, 1))

    assert result.record is not None
    assert client.zcard("continuo:unsent") == 1


def test_a_purge_cancels_the_jobs_of_the_messages_and_leaves_those_of_a_canvas(
    app: Continuo, rabbitmq: str, tmp_path: Path
) -> None:
    job = app.send_task("tests.add", (1, 2))
    body = celery.chord([app.signature("tests.add", (1, 1))])(app.signature("tests.total"))
    part = body.parent.results[0]

    purge = subprocess.run(
        [sys.executable, "-m", "celery", "-A", "project", "purge", "-f"],
        cwd=ROOT,
        env=os.environ | {"BROKER_URL": rabbitmq, "REDIS_URL": get_settings().store_url},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert "Purged 1 message from" in purge.stdout, purge
    assert job.record.error == part.record.error == "cancelled: its message was purged"
    worker = start_worker(rabbitmq, tmp_path, "w1")
    assert final(body).status is TaskStatus.FAILED
    worker.kill()
