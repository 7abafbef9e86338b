"""A store whose clock the test moves, and the rounds of a worker on it."""

from collections.abc import Iterator

import pytest

from project.celery import app
from project.schedules.firing import ScheduleRounds
from project.store.client import Store
from tests.support.schedules.clock import Clock, simulate_clock

NEW_YEAR = 1_798_761_600
"""2027-01-01, 00:00 UTC."""


@app.task(name="tests.schedules.tick")
def tick(*args: int, **kwargs: str) -> None:
    """Do nothing."""


@pytest.fixture
def clock(store: Store) -> Iterator[Clock]:
    with simulate_clock(store, NEW_YEAR) as clock:
        yield clock


@pytest.fixture
def rounds(store: Store, clock: Clock) -> ScheduleRounds:
    return ScheduleRounds(app, store)
