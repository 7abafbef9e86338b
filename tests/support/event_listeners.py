"""Clients that listen to events, and the jobs that they hear of."""

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from itertools import takewhile
from typing import Any

from project.local.valkey import EmbeddedValkey
from project.records.record import TaskStatus
from project.store.client import Store
from project.store.commands import attempts, jobs
from project.store.commands.message import Message
from tests.support.browsers.event_source import EventSource, ReceivedEvent
from tests.support.programs.api_process import ApiProcess, start_api, wait_until_reachable

ANSWER_SECONDS = 15.0
LISTENERS = 40


@contextmanager
def api_on(valkey: EmbeddedValkey, **more: str) -> Iterator[ApiProcess]:
    """The API on a Redis."""
    with start_api("api.app:build", REDIS_URL=valkey.url, **more) as process:
        wait_until_reachable(lambda: process.get("/health/live").status_code == 200)
        yield process


def order(store: Store, job_id: str, kind: str = "report") -> None:
    store.run(jobs.enqueue(Message(job_id, kind, "celery", "m", "[[], {}]", 3)))


def start(store: Store, job_id: str) -> None:
    store.run(attempts.start(job_id, retries=0, token="w#1"))


def succeed(store: Store, job_id: str) -> None:
    store.run(attempts.succeed(job_id, token="w#1", result='{"rows": 7}', result_message="{}"))


def fail(store: Store, job_id: str) -> None:
    about = {"error": "e", "exception": "{}", "result_message": "{}"}
    store.run(attempts.fail(job_id, token="w#1", status=TaskStatus.FAILED, **about))


def run(store: Store, job_id: str) -> None:
    order(store, job_id)
    start(store, job_id)
    succeed(store, job_id)


def until_end(source: EventSource) -> list[ReceivedEvent]:
    """All that is heard up to the end."""
    heard = []
    for said in source.events():
        heard.append(said)
        if said.name == "end":
            break
    return heard


def until_last(source: EventSource, job_id: str) -> list[ReceivedEvent]:
    """All that is heard before the first event of a job."""
    return list(takewhile(lambda said: said.data.get("id") != job_id, source.events()))


def heard_by(
    pool: ThreadPoolExecutor, source: EventSource, *args: Any
) -> Future[list[ReceivedEvent]]:
    """Listen in a thread; wait until the first answer is there."""
    hearing = pool.submit(until_last if args else until_end, source, *args)
    wait_until_reachable(lambda: source.answers or hearing.done())
    return hearing


def statuses(heard: list[ReceivedEvent]) -> list[tuple[str, str]]:
    return [(said.name, said.data["status"]) for said in heard]


def calls(store: Store, command: str) -> int:
    stats: Any = store.client.info("commandstats")
    return int(stats.get(f"cmdstat_{command}", {"calls": 0})["calls"])
