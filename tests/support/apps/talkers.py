"""Job kinds that log and print, for ``--include=tests.support.apps.talkers``."""

import asyncio
import logging
import os
import signal
import time
from typing import Any

from celery.utils.log import get_task_logger

from project.celery import app
from project.errors import TransientError
from project.logs.sender import SEND_EVERY_SECONDS
from tests.support.apps.kinds import RETRY_OPTIONS

log = logging.getLogger("shop.orders")

task_log = get_task_logger("shop.tasks")


@app.task(name="tests.talk")
def talk(words: str, count: int = 1) -> None:
    """Log some words, and print them."""
    for number in range(count):
        log.info("%s %d", words, number)
    print("printed", words)  # noqa: T201 - the subject of the test


@app.task(name="tests.talk_and_print", prints=True)
def talk_and_print(words: str) -> None:
    """Print some words, and log them with Celery's logger for tasks."""
    print(words)  # noqa: T201 - the subject of the test
    task_log.warning("careful: %s", words)


@app.task(name="tests.talk_async")
async def talk_async(words: str) -> None:
    """Log some words beside other jobs."""
    for _ in range(3):
        log.info("%s", words)
        await asyncio.sleep(0.01)


@app.task(name="tests.talk_twice", bind=True, **RETRY_OPTIONS)
def talk_twice(self: Any) -> None:
    """Log in two attempts."""
    log.info("attempt %d", self.request.retries + 1)
    if not self.request.retries:
        raise self.retry(exc=TransientError("not yet"), countdown=0)


@app.task(name="tests.talk_and_die")
def talk_and_die() -> None:
    """Log, and kill the process a little later than the lines are sent."""
    log.info("before")
    time.sleep(SEND_EVERY_SECONDS + 0.05)
    os.kill(os.getpid(), signal.SIGKILL)


@app.task(name="tests.talk_in_secret", hides_arguments=True)
def talk_in_secret(password: str) -> None:
    """Log an argument that nobody may see."""
    log.info("opened with %s", password)
