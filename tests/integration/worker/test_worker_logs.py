"""What a worker logs can be read from afar, also after its end."""

import logging
import signal

from project.logs.masks import MASK
from project.store.client import Store
from project.store.commands.workers import read_log
from project.worker.upkeep.log_tail import MAX_CHARACTERS, MAX_LINES, LogTail
from tests.support.programs.workers import JobInspector, Workers
from tests.support.waiting import wait_until


def read_messages(store: Store, name: str) -> list[str]:
    return [line.message for line in store.run(read_log(name)) or ()]


def test_the_last_lines_of_a_worker_are_kept_also_when_it_is_killed(
    workers: Workers, inspector: JobInspector
) -> None:
    worker = workers.start("--loglevel=INFO").ready()

    def has_begun() -> bool:
        messages = read_messages(inspector.app.store, "w1@test")
        return any("ready" in message for message in messages)

    wait_until(has_begun)
    worker.send(signal.SIGKILL)

    assert has_begun()


def test_lines_are_bounded_and_secrets_masked(store: Store) -> None:
    tail, logger = LogTail("w@here"), logging.getLogger()
    logger.addHandler(tail)
    try:
        for number in range(MAX_LINES + 5):
            logger.warning("line %d", number)
        logger.warning("x" * 2 * MAX_CHARACTERS)
        logger.warning("redis://:hunter2@db refused")
        logger.error("no upkeep", exc_info=ConnectionError("redis://:hunter2@db"))
        logging.getLogger("celery.app.trace").error("Task k[1] raised KeyError")
    finally:
        logger.removeHandler(tail)

    tail.work(store)

    messages = read_messages(store, "w@here")
    assert len(messages) == MAX_LINES
    assert messages[-4:] == [
        f"line {MAX_LINES + 4}",
        "x" * MAX_CHARACTERS,
        f"redis://:{MASK}@db refused",
        f"no upkeep: ConnectionError('redis://:{MASK}@db')",
    ]
