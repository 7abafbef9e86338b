import pytest

from project.errors import InvalidField
from project.job.progress import EVERY, MOST_NOTE, Teller, made
from project.records.record import Progress


class Attempt:
    """One that says how far it is, on a clock of the test."""

    def __init__(self) -> None:
        self.at = 100.0
        self.told: list[float] = []
        self.teller = Teller(lambda word: self.told.append(word.done), lambda: self.at)

    def say(self, done: int, after: float = 0.0) -> None:
        self.at += after
        self.teller.say(Progress(done))


def test_the_first_word_goes_at_once_and_the_last_at_the_end() -> None:
    attempt = Attempt()
    for done in range(1, 1_001):
        attempt.say(done)
    assert attempt.told == [1]
    attempt.teller.finish()
    assert attempt.told == [1, 1_000]
    attempt.teller.finish()
    assert attempt.told == [1, 1_000]


def test_four_words_a_second_go_through() -> None:
    attempt = Attempt()
    for done in range(100):
        attempt.say(done, after=EVERY / 4)
    assert attempt.told == [*range(0, 100, 4)]


def test_one_who_says_little_is_always_heard() -> None:
    attempt = Attempt()
    for done in range(5):
        attempt.say(done, after=EVERY)
    assert attempt.told == [*range(5)]


@pytest.mark.parametrize(("done", "total"), [(float("nan"), None), (1, float("inf"))])
def test_what_is_no_number_is_refused(done: float, total: float | None) -> None:
    with pytest.raises(InvalidField, match="is no number"):
        made(done, total, "")


def test_a_long_note_is_cut() -> None:
    assert made(1, 2, "x" * 1_000) == Progress(1, 2, "x" * MOST_NOTE)
