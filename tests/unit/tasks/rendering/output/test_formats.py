from datetime import date
from decimal import Decimal

import pytest

from tasks.rendering.definitions.schema import Format
from tasks.rendering.output.formats import (
    MAX_CELL_CHARACTERS,
    ValueFormatter,
    format_cell,
    shorten_label,
)


@pytest.mark.parametrize(
    ("value", "style", "text"),
    [
        (1234567, "integer", "1,234,567"),
        (Decimal("1234.5"), "money", "1,234.50"),
        (-6.94, "decimal", "\N{MINUS SIGN}6.9"),
        (0.1234, "percent", "12.3%"),
        (0.05, "change", "+5.0%"),
        (-0.05, "change", "\N{MINUS SIGN}5.0%"),
        (date(2026, 5, 1), "date", "2026-05-01"),
        ("a-b", "text", "a-b"),
        (None, "money", "\N{EN DASH}"),
        ("two\nlines\x07\u202e", "text", "two lines  "),
    ],
)
def test_a_value_is_written_for_people(value: object, style: Format, text: str) -> None:
    assert ValueFormatter().format_value(value, style) == text


@pytest.mark.parametrize(
    ("value", "style", "text"),
    [
        (1_500_000, "integer", "1.5m"),
        (20_000, "money", "20k"),
        (0, "integer", "0"),
        (0.2, "percent", "20%"),
        (-10, "decimal", "\N{MINUS SIGN}10"),
        (2.5, "decimal", "2.5"),
    ],
)
def test_axis_labels_are_short(value: float, style: Format, text: str) -> None:
    assert ValueFormatter().format_axis_value(value, style) == text


def test_a_long_word_can_break_and_a_short_text_is_unchanged() -> None:
    assert format_cell("Managed database") == "Managed database"
    assert "\u200b" in format_cell("W" * 60)


def test_a_very_long_text_is_cut() -> None:
    assert len(format_cell("x y " * 10_000)) == MAX_CELL_CHARACTERS
    assert (
        shorten_label("Chicago O'Hare International Airport") == "Chicago O'Hare International Ai…"
    )
