"""Times in the arguments of a schedule."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from project.errors import InvalidField
from project.schedules.placeholders import fill_placeholders, has_placeholders

DUE = int(datetime(2026, 12, 1, 6, tzinfo=UTC).timestamp())


def fill(text: str, due: int = DUE, zone: str = "Europe/Berlin") -> str:
    filled: str = fill_placeholders(text, due, zone)
    return filled


@pytest.mark.parametrize(
    ("text", "filled"),
    [
        ("{{ due }}", "2026-12-01T07:00:00+01:00"),
        ("{{ day of due }}", "2026-12-01"),
        ("{{day before due}}", "2026-11-30"),
        ("{{ week of due }}", "2026-W49"),
        ("{{ week before due }}", "2026-W48"),
        ("{{ month before due }}", "2026-11"),
        ("{{ quarter of due }}", "2026-Q4"),
        ("{{ quarter before due }}", "2026-Q3"),
        ("{{ year before due }}", "2025"),
        ("{{ first day of month before due }}", "2026-11-01"),
        ("{{ last day of month before due }}", "2026-11-30"),
        ("{{ last day of quarter of due }}", "2026-12-31"),
        ("From {{ first day of year of due }} on", "From 2026-01-01 on"),
        ("{ no placeholder }", "{ no placeholder }"),
    ],
    ids=lambda value: value,
)
def test_a_placeholder_stands_for_a_time(text: str, filled: str) -> None:
    assert fill(text) == filled


def test_the_calendar_is_that_of_the_zone() -> None:
    due = int(datetime(2026, 11, 30, 23, 30, tzinfo=UTC).timestamp())

    assert fill("{{ month before due }}", due, "UTC") == "2026-10"
    assert fill("{{ month before due }}", due, "Europe/Berlin") == "2026-11"


def test_placeholders_are_filled_wherever_they_stand() -> None:
    value = {"a": ["{{ day of due }}", 1, None], "b": {"c": "{{ month of due }}"}}

    assert has_placeholders(value)
    assert fill_placeholders(value, DUE, "UTC") == {
        "a": ["2026-12-01", 1, None],
        "b": {"c": "2026-12"},
    }


@pytest.mark.parametrize("words", ["moon of due", "month after due", "", "now"])
def test_an_unknown_placeholder_is_refused_with_those_that_are_allowed(words: str) -> None:
    with pytest.raises(InvalidField, match="month before due"):
        fill(f"{{{{ {words} }}}}")


@given(
    day=st.integers(0, 40_000), unit=st.sampled_from(["day", "week", "month", "quarter", "year"])
)
def test_the_unit_before_ends_where_the_unit_of_the_due_time_begins(day: int, unit: str) -> None:
    due = day * 86_400

    last = fill(f"{{{{ last day of {unit} before due }}}}", due, "UTC")
    first = fill(f"{{{{ first day of {unit} of due }}}}", due, "UTC")

    gap = datetime.fromisoformat(first) - datetime.fromisoformat(last)
    assert gap.days == 1
