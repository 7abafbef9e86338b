"""Times in zones, beside a second implementation that looks at every minute."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from project.errors import InvalidField
from project.records.schedule import Plan
from project.schedules.timetable import Timetable, find_fire_time
from project.schedules.timing import build_timing
from tests.fuzz.schedules.shapes import SHAPES
from tests.support.schedules.minutes import list_minutes

DAY = 86_400


def table(cron: str, zone: str = "UTC", **fields: int) -> Timetable:
    return Timetable(Plan(kind="k", cron=cron, zone=zone, **fields))  # type: ignore[arg-type]


def seconds(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


def show(times: list[int], zone: str) -> list[str]:
    return [f"{datetime.fromtimestamp(each, ZoneInfo(zone)):%d %H:%M%z}" for each in times]


def list_day(cron: str, zone: str, day: str) -> list[str]:
    """The due times of a day by its calendar."""
    since = seconds(f"{day}T00:00:00") - DAY
    times = show(table(cron, zone).list_between(since, since + 3 * DAY), zone)
    return [each for each in times if each.startswith(day[-2:])]


def test_a_time_that_the_clock_skips_is_due_when_the_clock_goes_on() -> None:
    assert list_day("30 2 * * *", "Europe/Berlin", "2026-03-29") == ["29 03:00+0200"]
    assert list_day("*/20 2 * * *", "Europe/Berlin", "2026-03-29") == ["29 03:00+0200"]
    assert list_day("0 0 * * *", "Asia/Beirut", "2026-03-29") == ["29 01:00+0300"]
    assert list_day("15 2 * * *", "Australia/Lord_Howe", "2026-10-04") == ["04 02:30+1100"]


def test_a_time_that_comes_twice_is_due_the_first_time() -> None:
    assert list_day("30 2 * * *", "Europe/Berlin", "2026-10-25") == ["25 02:30+0200"]
    assert list_day("0,30 1-3 * * *", "Europe/Berlin", "2026-10-25") == [
        *("25 01:00+0200", "25 01:30+0200", "25 02:00+0200", "25 02:30+0200"),
        *("25 03:00+0100", "25 03:30+0100"),
    ]


def test_an_expression_for_every_hour_follows_the_clock() -> None:
    forward = list_day("30 * * * *", "Europe/Berlin", "2026-03-29")
    back = list_day("30 * * * *", "Europe/Berlin", "2026-10-25")

    assert {"29 01:30+0100", "29 03:30+0200"} <= set(forward)
    assert not [each for each in forward if each.startswith("29 02")]
    assert [each for each in back if each.startswith("25 02")] == ["25 02:30+0200", "25 02:30+0100"]


@given(
    shape=st.sampled_from(SHAPES),
    zone=st.sampled_from(
        [
            *("Europe/Berlin", "Australia/Lord_Howe", "Asia/Beirut", "America/Asuncion", "UTC"),
            *("Africa/Casablanca", "America/Scoresbysund", "Pacific/Chatham", "America/Havana"),
        ]
    ),
    day=st.integers(seconds("2020-01-01") // DAY, seconds("2035-12-20") // DAY),
)
def test_times_are_those_of_the_second_implementation(shape: str, zone: str, day: int) -> None:
    since, until = day * DAY, (day + 3) * DAY

    assert table(shape, zone).list_between(since, until - 1) == list_minutes(
        shape, ZoneInfo(zone), since, until
    )


def test_times_lie_between_start_and_end() -> None:
    start, end = seconds("2026-11-03"), seconds("2026-11-05")

    times = table("0 0 * * *", start=start, end=end).list_next(seconds("2026-01-01"), 10)

    assert times == [start, start + DAY, end]


def test_an_interval_counts_from_its_start_or_from_1970() -> None:
    assert Timetable(Plan(kind="k", every=600)).list_next(1_000, 2) == [1_200, 1_800]
    assert Timetable(Plan(kind="k", every=600, start=1_007)).list_next(0, 2) == [1_007, 1_607]


@given(
    cron=st.sampled_from(["* * * * * *", "*/7 * * * *", "0 3 * * *", "0 0 1 * *"]),
    span=st.integers(0, 400_000),
    most=st.integers(1, 50),
)
def test_the_latest_times_are_the_last_of_all(cron: str, span: int, most: int) -> None:
    until = seconds("2026-11-27T10:11:12")
    since = until - (span % 2_000 if cron.count("*") > 5 else span)

    found = table(cron).list_latest(since, until, most)

    assert found == table(cron).list_between(since, until)[-most:]


def test_jitter_is_the_same_for_a_due_time_and_differs_between_times() -> None:
    plan = Plan(kind="k", every=60, jitter=30)

    delays = [find_fire_time(plan, "a", due) - due for due in range(60, 6_000, 60)]

    assert delays == [find_fire_time(plan, "a", due) - due for due in range(60, 6_000, 60)]
    assert len(set(delays)) > 90
    assert all(0 <= delay <= 30 for delay in delays)


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({}, "cron"),
        ({"cron": "* * * * *", "every": 5}, "every"),
        ({"cron": "* * * * *", "zone": "Mars/Olympus"}, "zone"),
        ({"cron": "* * * * *", "zone": "../etc/passwd"}, "zone"),
        ({"every": 5, "start": 10, "end": 9}, "end"),
        ({"every": 5, "catch_up": "all", "overlap": "skip"}, "catch_up"),
        ({"every": 5, "overlap": "sometimes"}, "overlap"),
        ({"every": 5, "jitters": 1}, "jitters"),
        ({"cron": "0 0-1 * * *", "jitter": 3_600}, "jitter"),
        ({"at": [datetime(2026, 1, 1)]}, "at"),  # noqa: DTZ001 - that is what is wrong
    ],
    ids=[
        "nothing",
        "two",
        "zone",
        "path",
        "end",
        "catch_up",
        "overlap",
        "unknown",
        "jitter",
        "naive",
    ],
)
def test_a_timing_that_cannot_be_is_refused(fields: dict[str, object], field: str) -> None:
    with pytest.raises(InvalidField) as caught:
        build_timing(**fields)

    assert caught.value.field == field
