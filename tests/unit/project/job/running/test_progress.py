import pytest

from project.errors import InvalidField
from project.job.running.progress import (
    MAX_NOTE_CHARACTERS,
    MIN_INTERVAL_SECONDS,
    ProgressReporter,
    build_progress,
)
from project.records.record import Progress


class Attempt:
    """One that says how far it is, on a clock of the test."""

    def __init__(self) -> None:
        self.at = 100.0
        self.response_headers: list[float] = []
        self.teller = ProgressReporter(
            lambda word: self.response_headers.append(word.done), lambda: self.at
        )

    def say(self, done: int, after: float = 0.0) -> None:
        self.at += after
        self.teller.report(Progress(done))


def test_the_first_update_is_sent_at_once_and_the_last_one_at_the_end() -> None:
    attempt = Attempt()
    for done in range(1, 1_001):
        attempt.say(done)
    assert attempt.response_headers == [1]

    attempt.teller.flush()
    assert attempt.response_headers == [1, 1_000]

    attempt.teller.flush()
    assert attempt.response_headers == [1, 1_000]


def test_four_updates_a_second_are_sent() -> None:
    attempt = Attempt()

    for done in range(100):
        attempt.say(done, after=MIN_INTERVAL_SECONDS / 4)

    assert attempt.response_headers == [*range(0, 100, 4)]


def test_rare_updates_are_always_sent() -> None:
    attempt = Attempt()

    for done in range(5):
        attempt.say(done, after=MIN_INTERVAL_SECONDS)

    assert attempt.response_headers == [*range(5)]


@pytest.mark.parametrize(("done", "total"), [(float("nan"), None), (1, float("inf"))])
def test_a_value_that_is_not_a_number_is_refused(done: float, total: float | None) -> None:
    with pytest.raises(InvalidField, match="is not a finite number"):
        build_progress(done, total, "")


def test_a_long_note_is_cut() -> None:
    assert build_progress(1, 2, "x" * 1_000) == Progress(1, 2, "x" * MAX_NOTE_CHARACTERS)
