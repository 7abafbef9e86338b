"""How values are written on the page."""

import re
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal

from tasks.rendering.definitions.schema import Format

MISSING_VALUE = "\N{EN DASH}"
MINUS_SIGN = "\N{MINUS SIGN}"
MAX_LABEL_CHARACTERS = 32
"""Characters of a chart label that are kept."""
MAX_CELL_CHARACTERS = 240
"""Characters of a table cell that are kept."""

type Number = int | float | Decimal

_FORMATTERS: dict[Format, Callable[[Number], str]] = {
    "integer": lambda value: f"{value:,.0f}",
    "decimal": lambda value: f"{value:,.1f}",
    "money": lambda value: f"{value:,.2f}",
    "percent": lambda value: f"{value * 100:,.1f}%",
    "change": lambda value: f"{value * 100:+,.1f}%",
}
_LONG_WORD = re.compile(r"\S{12}(?=\S{6})")
_UNITS = ((1_000_000_000, "bn"), (1_000_000, "m"), (1_000, "k"))


def format_value(value: object, style: Format) -> str:
    """The value as a reader sees it; a missing one is a dash."""
    if value is None:
        return MISSING_VALUE
    if isinstance(value, int | float | Decimal) and style in _FORMATTERS:
        return _replace_minus(_FORMATTERS[style](value))
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M}"
    return value.isoformat() if isinstance(value, date) else replace_unprintable(str(value))


def replace_unprintable(text: str) -> str:
    """The text in one line: what cannot be printed (controls, marks that turn text) is a space."""
    return "".join(letter if letter.isprintable() else " " for letter in text)


def format_axis_value(value: float, style: Format) -> str:
    """The value in few characters, for an axis: ``1.5m``, ``20%``."""
    if style in ("percent", "change"):
        return _replace_minus(f"{value * 100:g}%")
    size, unit = next((step for step in _UNITS if abs(value) >= step[0]), (1, ""))
    return _replace_minus(f"{value / size:g}{unit}")


def shorten_label(label: str, most: int = MAX_LABEL_CHARACTERS) -> str:
    """The text in one line, cut when it is longer than there is room for."""
    label = replace_unprintable(label)
    return label if len(label) <= most else f"{label[: most - 1].rstrip()}\N{HORIZONTAL ELLIPSIS}"


def format_cell(text: str) -> str:
    """The text of a table's cell: cut to a sane length, long words may break."""
    return _LONG_WORD.sub("\\g<0>\N{ZERO WIDTH SPACE}", shorten_label(text, MAX_CELL_CHARACTERS))


def _replace_minus(text: str) -> str:
    return text.replace("-", MINUS_SIGN)
