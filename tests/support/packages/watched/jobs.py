"""Jobs that log, and fail in several ways."""

import logging
from typing import Any

from project.celery import app

log = logging.getLogger("watched")


@app.task(name="talk", http="/talks", prints=True, max_retries=2)
def talk(words: str, warns: bool = False) -> str:
    """Log and print some lines."""
    log.info("about %s", words)
    print(f"said {words}")  # noqa: T201 - the log of the job keeps it
    if warns:
        log.warning("too loud")
    return words


@app.task(name="break_down", http="/breakdowns", max_retries=1)
def break_down(how: str = "key", number: int = 1) -> None:
    """Fail because of one of some causes."""
    log.error("breaks down: %s", how)
    look_up(how, number)


@app.task(
    name="try_again",
    http="/tries",
    bind=True,
    autoretry_for=(KeyError,),
    retry_backoff=1,
    retry_jitter=False,
)
def try_again(self: Any) -> str:
    """Fail at first, with two steps done."""
    self.step("first", str, "1")
    if self.request.retries == 0:
        look_up("key", 1)
    return str(self.step("second", str, "2"))


def look_up(how: str, number: int) -> None:
    """Raise an error."""
    if how == "key":
        raise KeyError(f"order {number}")
    if how == "value":
        raise ValueError(f"the amount {number} is too much")
    raise OSError(f"the shop {number} does not answer")
