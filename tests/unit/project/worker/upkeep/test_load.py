"""The load of a worker in the last hour."""

import msgspec

from project.records.record import WorkerLoad
from project.worker.upkeep.load import MAX_MINUTES, LoadHistory


def read(history: LoadHistory) -> list[WorkerLoad]:
    return msgspec.json.decode(history.format(), type=list[WorkerLoad])


def test_a_minute_is_the_mean_of_its_notes() -> None:
    history = LoadHistory()

    for at, memory, busy in ((61.0, 100, 1.0), (90.0, 300, 0.5), (125.0, 50, 0.0)):
        history.note(at, memory, busy)

    assert read(history) == [WorkerLoad(60.0, 200, 0.75), WorkerLoad(120.0, 50, 0.0)]


def test_only_the_last_hour_is_kept() -> None:
    history = LoadHistory()

    for minute in range(100):
        history.note(minute * 60.0, minute, 0.0)

    assert [each.memory for each in read(history)] == list(range(100 - MAX_MINUTES, 100))
