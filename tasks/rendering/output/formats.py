"""Formats values as text for the pages of a report."""

import re
from datetime import date, datetime
from decimal import Decimal

from project.text import replace_unprintable
from tasks.rendering.definitions.schema import Format

MISSING_VALUE = "\N{EN DASH}"
MINUS_SIGN = "\N{MINUS SIGN}"
MAX_LABEL_CHARACTERS = 32
"""Longer chart labels are cut."""
MAX_CELL_CHARACTERS = 240
"""Longer texts in table cells are cut."""

type Number = int | float | Decimal

PLAIN_NUMBERS: dict[Format, str] = {
    "integer": ",.0f",
    "decimal": ",.1f",
    "money": ",.2f",
    "percent": ",.1%",
    "change": "+,.1%",
}
_BREAKABLE = "[!-\u02ff\u0370-\u0482\u048a-\u058f]"
_LONG_WORD = re.compile(f"{_BREAKABLE}{{12}}(?={_BREAKABLE}{{6}})")
"""A place in a long word of Latin, Greek, Cyrillic or Armenian letters, digits and ASCII.

A break in words of other scripts would part letters that join, and emoji.
"""
_UNITS = ((1_000_000_000, "bn"), (1_000_000, "m"), (1_000, "k"))


class ValueFormatter:
    """Formats values as people everywhere can read them: 1,234.50 and 2026-05-01."""

    def format_value(self, value: object, style: Format) -> str:
        """Format a value; None is a dash."""
        if value is None:
            return MISSING_VALUE
        if isinstance(value, int | float | Decimal) and style in PLAIN_NUMBERS:
            number = int(value) if isinstance(value, bool) else value
            return _replace_minus(self.format_number(number, style))
        if isinstance(value, datetime):
            return self.format_time(value)
        return (
            self.format_day(value) if isinstance(value, date) else replace_unprintable(str(value))
        )

    def format_axis_value(self, value: float, style: Format) -> str:
        """Format a value in few characters for an axis: ``1.5m``, ``20%``."""
        if style in ("percent", "change"):
            return _replace_minus(self.format_axis_percent(value))
        return _replace_minus(self.format_axis_number(value))

    def format_number(self, value: Number, style: Format) -> str:
        """Format a number in one of the styles of ``PLAIN_NUMBERS``."""
        return format(value, PLAIN_NUMBERS[style])

    def format_day(self, value: date) -> str:
        """Format a date."""
        return value.isoformat()

    def format_time(self, value: datetime) -> str:
        """Format a date with its time of day."""
        return f"{value:%Y-%m-%d %H:%M}"

    def format_axis_number(self, value: float) -> str:
        """Format a number in few characters."""
        size, unit = next((entry for entry in _UNITS if abs(value) >= entry[0]), (1, ""))
        return f"{value / size:g}{unit}"

    def format_axis_percent(self, value: float) -> str:
        """Format a share in few characters."""
        return f"{value * 100:g}%"


def shorten_label(label: str, max_characters: int = MAX_LABEL_CHARACTERS) -> str:
    """Return the text in one line, cut to ``max_characters`` with an ellipsis."""
    label = replace_unprintable(label)
    if len(label) <= max_characters:
        return label
    return f"{label[: max_characters - 1].rstrip()}\N{HORIZONTAL ELLIPSIS}"


def format_cell(text: str) -> str:
    """Cut the text of a table cell to ``MAX_CELL_CHARACTERS`` and let long words break."""
    return _LONG_WORD.sub("\\g<0>\N{ZERO WIDTH SPACE}", shorten_label(text, MAX_CELL_CHARACTERS))


def _replace_minus(text: str) -> str:
    return text.replace("-", MINUS_SIGN)
