"""The cells of a spreadsheet: what a cell cannot hold exactly becomes text.

A cell shows 15 digits of a number, has dates from 1900 to 9999 with milliseconds, and 32,767
UTF-16 units of text.
"""

import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from tasks.rendering.data.queries import Selection
from tasks.rendering.data.table_files import quote_name
from tasks.rendering.output.columns import ColumnSource, cast_to_text, is_textless

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

MAX_DIGITS = 15
MAX_TEXT_UNITS = 32_767
"""UTF-16 units that a cell holds."""
CUT_MARK = " [cut]"
FIRST_DATE = "1900-01-01"
AFTER_LAST_DATE = "10000-01-01"
SERIAL_EPOCH = datetime(1899, 12, 30)  # noqa: DTZ001 - cells have no zone
"""Excel counts days from here."""
FIRST_SERIAL = datetime(1900, 3, 1)  # noqa: DTZ001 - the same
"""Excel believes that 1900 was a leap year, so earlier serial numbers differ."""
LARGE_TYPES = ("BIGINT", "HUGEINT", "UBIGINT", "UHUGEINT")

_DECIMAL = re.compile(r"DECIMAL\(\d+,(\d+)\)")

type Converter = Callable[[Any], Any]


class CellSource:
    """A query for cells, and what to do with the values of odd columns."""

    def __init__(self, selection: Selection, converters: Mapping[int, Converter]) -> None:
        self.selection = selection
        self._converters = converters
        self._cuts = 0

    def convert(self, rows: Iterable[tuple[Any, ...]]) -> Iterable[Sequence[Any]]:
        """Return the rows with values that cells hold."""
        return map(self._convert_row, rows) if self._converters else rows

    def describe_cuts(self) -> list[str]:
        """Return a warning if texts are cut."""
        if not self._cuts:
            return []
        noun = "cell is" if self._cuts == 1 else "cells are"
        return [f"{self._cuts:,} {noun} cut in the spreadsheet, to {MAX_TEXT_UNITS:,} characters"]

    def _convert_row(self, row: tuple[Any, ...]) -> list[Any]:
        cells = list(row)
        for at, convert in self._converters.items():
            if row[at] is not None:
                cells[at] = convert(row[at])
                self._cuts += convert is _cut_text and cells[at] is not row[at]
        return cells


def select_cells(connection: "DuckDBPyConnection", source: ColumnSource) -> CellSource:
    """Return the query for cells, after a look at all values."""
    conditions = dict(_find_conditions(source))
    odd = source.check(connection, conditions)
    cells = {
        name: quote_name(name) if _is_native(kind, is_odd=name in odd) else cast_to_text(name)
        for name, kind in source.types.items()
    }
    converters = {
        at: converter
        for at, (name, kind) in enumerate(source.types.items())
        if name in odd and (converter := _choose_converter(kind))
    }
    return CellSource(source.select(cells), converters)


def _find_conditions(source: ColumnSource) -> Iterator[tuple[str, str]]:
    """Yield the columns that may have values for which a cell is too small, and SQL to see it."""
    for name, kind in source.types.items():
        column = quote_name(name)
        if kind in LARGE_TYPES:
            yield name, f"abs({column}::double) >= 1e{MAX_DIGITS}"
        elif decimal := _DECIMAL.fullmatch(kind):
            yield name, f"abs({column}::double) >= 1e{MAX_DIGITS - int(decimal[1])}"
        elif kind in ("FLOAT", "DOUBLE"):
            yield name, f"not isfinite({column})"
        elif kind in ("DATE", "TIMESTAMP"):
            within = f"{column} >= {kind} '{FIRST_DATE}' and {column} < {kind} '{AFTER_LAST_DATE}'"
            has_fraction = f"{column} <> date_trunc('second', {column})"
            yield name, f"not ({within})" + (f" or {has_fraction}" if kind == "TIMESTAMP" else "")
        elif not is_textless(kind):
            yield name, f"strlen({cast_to_text(name)}) > {MAX_TEXT_UNITS}"


def _is_native(kind: str, *, is_odd: bool) -> bool:
    """Return whether the values of a column are cells as they are."""
    if kind in ("VARCHAR", "FLOAT", "DOUBLE"):
        return True
    if kind.startswith("TIME") and kind != "TIMESTAMP":
        return False  # a time of day or with a zone
    return is_textless(kind) and not is_odd


def _choose_converter(kind: str) -> Converter | None:
    if kind in ("FLOAT", "DOUBLE"):
        return _convert_number
    if kind in ("DATE", "TIMESTAMP"):
        return _convert_date if kind == "DATE" else _convert_moment
    return None if is_textless(kind) else _cut_text


def _convert_number(value: float) -> float | str:
    return value if math.isfinite(value) else str(value)


def _convert_date(text: str) -> date | str:
    is_cell = len(text) == len(FIRST_DATE) and text >= FIRST_DATE
    return date.fromisoformat(text) if is_cell else text


def _convert_moment(text: str) -> datetime | float | str:
    """Return a cell for a time; with a fraction its serial number, from which writers drop none."""
    is_cell = text[len(FIRST_DATE) :][:1] == " " and text >= FIRST_DATE and "(" not in text
    if not is_cell:
        return text
    moment = datetime.fromisoformat(text)
    if not moment.microsecond:
        return moment
    return text if moment < FIRST_SERIAL else (moment - SERIAL_EPOCH) / timedelta(days=1)


def _cut_text(text: str) -> str:
    """Cut a text that is too long, between two characters, and mark it."""
    units = text.encode("utf-16-le")
    if len(units) <= 2 * MAX_TEXT_UNITS:
        return text
    kept = units[: 2 * (MAX_TEXT_UNITS - len(CUT_MARK))]
    return kept.decode("utf-16-le", "ignore") + CUT_MARK
