"""A ``ConsumerStep`` of the user's gets its messages, as in stock Celery."""

import signal

import kombu
import pytest
import redis

from tests.support.apps import kinds
from tests.support.programs.workers import JobInspector, Workers
from tests.support.waiting import wait_until


@pytest.mark.parametrize("pool", ["--concurrency=1", "--pool=threads", "--pool=solo"])
def test_a_consumer_step_gets_its_messages_and_jobs_run_beside_it(
    inspector: JobInspector, workers: Workers, client: redis.Redis, pool: str
) -> None:
    worker = workers.start(
        "-I", "tests.support.apps.letters,tests.support.apps.kinds", pool
    ).ready()
    job = kinds.add.delay(1, 2)
    with kombu.Connection(workers.url) as connection, connection.Producer() as producer:
        for text in ("first", "second"):
            producer.publish(
                {"text": text}, routing_key="letters", declare=[kombu.Queue("letters")]
            )

    wait_until(lambda: client.llen("read_letters") == 2)

    assert client.lrange("read_letters", 0, -1) == ["first", "second"]
    assert inspector.wait_until_final(job.id).result == 3
    assert client.llen("continuo:dead_letters") == 0
    worker.send(signal.SIGTERM)
    assert worker.wait() == 0
    assert client.hlen("unacked") == 0
