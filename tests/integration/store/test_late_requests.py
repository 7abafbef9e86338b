"""What the network delivers late, after its sender has sent it again, changes nothing."""

import json
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from redis.exceptions import ResponseError

from project.store.client import Store
from project.store.commands import attempts, guard, jobs, queries, workers
from project.store.commands.command import Command
from project.store.commands.guard import WorkerReport
from project.store.commands.message import Message
from tests.support import job_commands

JOBS = ("a", "b")
ABOUT: dict[str, Any] = {"host": "h", "pid": 1, "slots": 1, "kind:k": "late"}


class Network:
    """Delivers requests of one worker to Redis, and delivers any of them again."""

    def __init__(self, store: Store) -> None:
        self.store = store
        store.number_requests()
        runner: Any = store._runner  # noqa: SLF001
        self.sent: list[tuple[Any, ...]] = []
        pack = runner._send  # noqa: SLF001

        def send(connection: Any, *request: Any) -> None:
            self.sent.append(request)
            pack(connection, *request)

        self.deliver = pack
        runner._send = send  # noqa: SLF001
        self.runner = runner

    def again(self, place: int) -> str:
        """Deliver an earlier request again; the answer."""
        connection = self.store.client.connection_pool.get_connection()
        try:
            self.deliver(connection, *self.sent[place])
            return str(connection.read_response())
        except ResponseError as problem:
            return str(problem)
        finally:
            self.store.client.connection_pool.release(connection)

    def state(self) -> dict[bytes, bytes | None]:
        return {key: self.store.client.dump(key) for key in self.store.client.scan_iter()}


@pytest.fixture
def network(store: Store, valkey: Any) -> Network:
    return Network(Store(valkey.url))


def list_commands(serial: int) -> Sequence[Command[Any]]:
    """What a worker asks; some of it makes sense at any time."""
    found: list[Command[Any]] = [
        workers.fetch("w", serial=serial, most=1, done=[], lists=["celery"]),
        workers.requeue_unstarted("w", []),
        workers.renew_lease("w", 60, ABOUT),
        guard.report("w", serial, WorkerReport(0.0, [], {})),
    ]
    for job in JOBS:
        for held in range(max(serial - 2, 1), serial + 1):
            token = f"w#{held}"
            again = Message(job, "k", "celery", "again", "[]", 3)
            found += [
                attempts.start(job, retries=0, token=token),
                attempts.interrupt(job, token=token),
                attempts.succeed(job, token=token, result="1", result_message="{}"),
                attempts.retry(job, token=token, error="e", delay=0.0, message=again),
                attempts.postpone(job, token=token, delay=0.0, message=again),
                workers.requeue("w", [str(held)]),
                workers.ack("w", [str(held)]),
            ]
    return found


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_any_request_that_comes_again_in_any_order_changes_nothing(
    network: Network, data: st.DataObject
) -> None:
    network.store.client.flushall()
    network.sent.clear()
    network.store.run(workers.renew_lease("w", 60, ABOUT, first=True))
    for job in JOBS:
        text = json.dumps({"headers": {"id": job, "task": "k", "retries": 0}})
        network.store.run(jobs.enqueue(Message(job, "k", "celery", text, "[]", 3)))
    network.sent.clear()

    for serial in range(1, 7):
        network.store.run(data.draw(st.sampled_from(list_commands(serial))))
        before = network.state()
        late = data.draw(st.lists(st.integers(0, 1_000), max_size=4))
        answers = [network.again(place % len(network.sent)) for place in late]
        assert all(answer.startswith("LATE ") for answer in answers), answers
        assert network.state() == before


def test_a_start_that_comes_late_does_not_begin_an_attempt_that_nobody_runs(
    network: Network,
) -> None:
    network.store.run(jobs.enqueue(Message("a", "k", "celery", "{}", "[]", 3)))
    network.store.run(attempts.start("a", retries=0, token="w#1"))
    network.store.run(attempts.interrupt("a", token="w#1"))

    network.again(1)

    record = network.store.run(queries.read_record("a"))
    assert record is not None
    assert record.status == "pending"


def test_senders_without_numbers_are_answered_as_ever(store: Store) -> None:
    store.run(jobs.enqueue(job_commands.message("a")))

    assert job_commands.start(store, "a") == job_commands.start(store, "a") == "started"
    assert not list(store.client.scan_iter("continuo:place:*"))


def test_two_threads_of_a_worker_do_not_refuse_each_other(network: Network, valkey: Any) -> None:
    other = Store(valkey.url)
    other.number_requests()
    for _ in range(3):
        network.store.run(workers.ack("w", ["1"]))

    assert other.run(workers.ack("w", ["1"])) == 0
    other.close()
