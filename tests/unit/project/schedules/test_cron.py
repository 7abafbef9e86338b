"""Cron expressions: what they mean, and what is wrong with those that mean nothing."""

from datetime import datetime

import pytest

from project.errors import InvalidField
from project.schedules.cron import Cron


def list_next(text: str, after: str, most: int = 3) -> list[str]:
    wall, cron, found = datetime.fromisoformat(after), Cron(text), list[str]()
    for _ in range(most):
        following = cron.find_next(wall)
        assert following is not None
        wall = following
        found.append(f"{wall:%m-%d %H:%M:%S}")
    return found


@pytest.mark.parametrize(
    ("text", "times"),
    [
        ("0 7 1 * *", ["12-01 07:00:00", "01-01 07:00:00", "02-01 07:00:00"]),
        ("30 0 7 * * *", ["11-02 07:00:30", "11-03 07:00:30", "11-04 07:00:30"]),
        ("0 0 L * *", ["11-30 00:00:00", "12-31 00:00:00", "01-31 00:00:00"]),
        ("0 0 LW * *", ["11-30 00:00:00", "12-31 00:00:00", "01-29 00:00:00"]),
        ("0 0 * * MON#2", ["11-09 00:00:00", "12-14 00:00:00", "01-11 00:00:00"]),
        ("0 0 * * 5L", ["11-27 00:00:00", "12-25 00:00:00", "01-29 00:00:00"]),
        ("0 0 1W * *", ["11-02 00:00:00", "12-01 00:00:00", "01-01 00:00:00"]),
        ("0 0 31W * *", ["12-31 00:00:00", "01-29 00:00:00", "03-31 00:00:00"]),
        ("0 0 1,15W * *", ["11-16 00:00:00", "12-01 00:00:00", "12-15 00:00:00"]),
        ("0 9 * jan-feb sun", ["01-03 09:00:00", "01-10 09:00:00", "01-17 09:00:00"]),
        ("@daily", ["11-02 00:00:00", "11-03 00:00:00", "11-04 00:00:00"]),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_an_expression_has_these_times(text: str, times: list[str]) -> None:
    assert list_next(text, "2026-11-01T08:00:00") == times


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("0 7 1 *", "has 4 fields; 5 are allowed"),
        ("60 * * * *", "minute '60' does not work: allowed are 0 to 59"),
        ("0 24 * * *", "hour '24' does not work: allowed are 0 to 23"),
        ("0 0 * * MON#6", "day-of-week 'MON#6' does not work"),
        ("0 0 32 * *", "day-of-month '32' does not work"),
        ("0 0 30 2 *", "day-of-month '30' does not work"),
        ("0 0 31W 2 *", "never comes true"),
        ("0 0 15W * MON", "W in day-of-month allows only * as day-of-week"),
        ("0 0 * * FRI-MON", "day-of-week 'FRI-MON' does not work"),
        ("* " * 200, "more than 200 characters"),
        ("", "has 0 fields"),
    ],
    ids=lambda value: value[:20],
)
def test_a_wrong_expression_is_refused_with_what_is_allowed(text: str, problem: str) -> None:
    with pytest.raises(InvalidField) as caught:
        Cron(text)

    assert caught.value.field == "cron"
    assert problem in caught.value.problem


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("0 7 1 * *", "At 07:00 on the first day of every month"),
        ("*/15 * * * MON-FRI", "Every 15th minute of every hour on Monday through Friday"),
        ("0 7 15W * *", "At 07:00 every day, on the weekday nearest to day 15 of the month"),
    ],
    ids=lambda value: value,
)
def test_an_expression_is_said_in_words(text: str, words: str) -> None:
    assert Cron(text).explain() == words
