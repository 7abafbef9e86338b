"""The last hour out of sums that only grow."""

import pytest

from project.records.counters import BUCKET_BOUNDS_SECONDS
from project.records.history import (
    HISTORY_MINUTES,
    Snapshot,
    build_minutes,
    estimate_quantile,
    parse_snapshot,
)

NOBODY = (0,) * 24
NOW = 36_030.0
"""Half a minute after the hour."""


def waits(**buckets: int) -> tuple[int, ...]:
    return tuple(buckets.get(f"b{place}", 0) for place in range(24))


def note(ago: float, success: int = 0, waited: tuple[int, ...] = NOBODY) -> Snapshot:
    return Snapshot(NOW - ago, 2 * success, success, 0, 0, waited)


def successes(*notes: Snapshot) -> list[int]:
    return [one.success for one in build_minutes(notes)]


def test_the_difference_of_two_samples_is_what_happened_between_them() -> None:
    hour = build_minutes([note(0, 12), note(29, 10), note(90, 3)])

    assert len(hour) == HISTORY_MINUTES
    assert [one.success for one in hour[-2:]] == [7, 2]
    assert [one.ordered for one in hour[-2:]] == [14, 4]
    assert (hour[-1].at, hour[0].at) == (36_000, 36_000 - 59 * 60)


def test_samples_that_are_some_seconds_late_leave_no_minute_out() -> None:
    late = [note(29 + 60 * ago - (ago % 5), 100 - ago) for ago in range(20)]
    assert successes(note(0, 100), *late)[-20:] == [*[1] * 19, 0]


def test_a_minute_that_has_just_begun_may_have_no_sample() -> None:
    assert successes(note(0, 12), note(89, 10), note(149, 3))[-3:] == [7, 2, 0]


def test_samples_older_than_an_hour_are_left_out() -> None:
    assert sum(successes(note(0, 9), note(3_600, 9), note(7_200, 1))) == 0


def test_a_counter_reset_gives_no_negative_difference() -> None:
    assert successes(note(0, 1), note(29, 50), note(89, 40))[-2:] == [10, 0]


def test_without_an_earlier_sample_nothing_has_happened() -> None:
    hour = build_minutes([note(0, 100)])
    assert {one.success for one in hour} == {0}
    assert {one.wait_p50 for one in hour} == {None}


def test_a_quantile_of_the_waits_lies_inside_its_bucket() -> None:
    counts = waits(b3=10, b10=10)

    assert estimate_quantile(counts, 0.25) == pytest.approx(
        BUCKET_BOUNDS_SECONDS[2] + (BUCKET_BOUNDS_SECONDS[3] - BUCKET_BOUNDS_SECONDS[2]) / 2
    )
    assert estimate_quantile(counts, 0.5) == BUCKET_BOUNDS_SECONDS[3]
    assert estimate_quantile(counts, 0.95) == pytest.approx(
        BUCKET_BOUNDS_SECONDS[9] + (BUCKET_BOUNDS_SECONDS[10] - BUCKET_BOUNDS_SECONDS[9]) * 0.9
    )
    assert estimate_quantile(waits(b23=1), 0.5) == BUCKET_BOUNDS_SECONDS[-1]
    assert estimate_quantile(NOBODY, 0.5) is None


def test_a_sample_is_read_from_its_redis_fields() -> None:
    text = b"10.5 1 2 3 4 " + b" ".join(b"%d" % n for n in range(24))
    assert parse_snapshot(text) == Snapshot(10.5, 1, 2, 3, 4, tuple(range(24)))
