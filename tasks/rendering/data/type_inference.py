"""Finds the types of text columns: the first rows suggest a type, all rows decide.

A type is chosen only if it holds every value exactly; otherwise the column stays text. Numbers
with a leading zero or a plus sign, such as postcodes and telephone numbers, stay text, and so do
dates that can be read in two ways.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import batched
from typing import TYPE_CHECKING

from tasks.rendering.data.table_files import fetch_row, quote_name
from tasks.rendering.definitions.column_types import (
    CLOCK,
    DAY,
    FINE_CLOCK,
    MAX_DIGITS,
    OFFSET,
    TEXT,
    ColumnType,
    match,
)

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

SAMPLE_ROWS = 1_000
MAX_EXACT_DECIMALS = 9
"""A column with more decimals is DOUBLE if that holds every value, else DECIMAL."""
SHORT_DIGITS, SHORT_SCALE = 18, 2
"""DECIMAL(18,2) is fast, and products of two stay in range; larger ones need 38 digits."""

PLAIN_NUMBER = r"-?((0|[1-9][0-9]*)(\.[0-9]*)?|\.[0-9]+)"
FLOAT_NUMBER = rf"{PLAIN_NUMBER}|-?[0-9](\.[0-9]*)?[eE][-+][0-9]+|-?(?i:inf|infinity)|(?i:nan)"

DECIMAL_COMMA = r"-?([0-9]{1,3}(\.[0-9]{3})+|0|[1-9][0-9]*)(,[0-9]{1,2})?"
"""A number with a decimal comma, or a list of two numbers: only people know which."""

MOMENTS = ("DATE", "TIMESTAMP", "TIMESTAMP_NS", "TIMESTAMPTZ")
_SHAPES: tuple[tuple[str, tuple[str, ...]], ...] = (
    (rf"{DAY}([ T]{FINE_CLOCK}{OFFSET}?)?", MOMENTS),
    (CLOCK, ("TIME",)),
    ("(?i:true|false)", ("BOOLEAN",)),
)
_CLOCK_FORMATS = ("", " %H:%M", " %H:%M:%S", " %I:%M %p", " %I:%M:%S %p")
_DATE_ORDERS: tuple[tuple[str, ...], ...] = (
    ("%d", "%m", "%Y"),
    ("%m", "%d", "%Y"),
    ("%Y", "%m", "%d"),
)
DATE_FORMATS: tuple[str, ...] = tuple(
    separator.join(order) + clock
    for separator in "./-"
    for order in _DATE_ORDERS
    for clock in _CLOCK_FORMATS
    if not (separator == "." and order[0] == "%m")
)


def infer_types(
    connection: "DuckDBPyConnection", source: str, names: Sequence[str]
) -> dict[str, ColumnType]:
    """Return the type of each column of ``source``, a SELECT of texts."""
    sample = connection.execute(f"select * from ({source}) limit {SAMPLE_ROWS}").fetchall()  # noqa: S608 - names are quoted
    texts = {
        name: [row[at] for row in sample if row[at] is not None] for at, name in enumerate(names)
    }
    empty = [name for name in names if not texts[name]]
    if empty:
        texts |= _find_late_texts(connection, source, empty)
    found = choose_types(connection, source, {name: guess_types(texts[name]) for name in names})
    return found | _infer_numbers(
        connection, source, [n for n in names if is_number_like(texts[n])]
    )


def is_number_like(texts: Sequence[str]) -> bool:
    """Return whether all texts are numbers; no text is none."""
    return bool(texts) and _all_match(texts, FLOAT_NUMBER)


def has_many_numbers(texts: Sequence[str]) -> bool:
    """Return whether more than half of the texts are numbers, as with ``NA`` for some."""
    is_number = re.compile(f" *(?:{FLOAT_NUMBER}) *").fullmatch
    return sum(map(bool, map(is_number, texts))) * 2 > len(texts)


def has_decimal_commas(texts: Sequence[str]) -> bool:
    """Return whether all texts may be numbers with a decimal comma."""
    return _all_match(texts, DECIMAL_COMMA) and any("," in text for text in texts)


def guess_types(texts: Sequence[str]) -> list[ColumnType]:
    """Return the types, from narrow to wide, that a column which begins with ``texts`` can have."""
    if not texts:
        return []
    for shape, types in _SHAPES:
        if _all_match(texts, shape):
            return [kind for kind in map(ColumnType, types) if _all_match(texts, kind.pattern)]
    if re.fullmatch(r" *[0-9]{1,4}[./-].*", texts[0]):
        return [_type_of_format(form) for form in DATE_FORMATS if _all_parse(texts, form)]
    return []


def choose_types(
    connection: "DuckDBPyConnection", source: str, candidates: Mapping[str, Sequence[ColumnType]]
) -> dict[str, ColumnType]:
    """Return for each column the first candidate that holds all of its values, or text.

    When dates fit several formats that give different days, the column is text.
    """
    pairs = [(name, kind) for name, kinds in candidates.items() for kind in kinds]
    answers = check_all(connection, source, [kind.holds(quote_name(name)) for name, kind in pairs])
    fits: dict[str, list[ColumnType]] = {name: [] for name in candidates}
    for (name, kind), is_fit in zip(pairs, answers, strict=True):
        if is_fit:
            fits[name].append(kind)
    return {name: _choose(connection, source, name, kinds) for name, kinds in fits.items()}


def check_all(
    connection: "DuckDBPyConnection", source: str, conditions: Sequence[str]
) -> Sequence[bool]:
    """Return which of the SQL conditions are true for all rows; null counts as true."""
    if not conditions:
        return []
    columns = ", ".join(f"coalesce(bool_and({condition}), true)" for condition in conditions)
    return fetch_row(connection, f"select {columns} from ({source})")  # noqa: S608 - names are quoted


def _choose(
    connection: "DuckDBPyConnection", source: str, name: str, fits: Sequence[ColumnType]
) -> ColumnType:
    if not fits:
        return TEXT
    column, first = quote_name(name), fits[0]
    others = [kind for kind in fits[1:] if first.format]
    agreements = [f"{first.cast(column)} = {kind.cast(column)}" for kind in others]
    return first if all(check_all(connection, source, agreements)) else TEXT


def _find_late_texts(
    connection: "DuckDBPyConnection", source: str, names: Sequence[str]
) -> dict[str, list[str]]:
    """Return one text of each column that has none in the first rows."""
    columns = ", ".join(f"any_value({quote_name(name)})" for name in names)
    values = fetch_row(connection, f"select {columns} from ({source})")  # noqa: S608 - names are quoted
    return {
        name: [] if value is None else [value] for name, value in zip(names, values, strict=True)
    }


def _infer_numbers(
    connection: "DuckDBPyConnection", source: str, names: Sequence[str]
) -> dict[str, ColumnType]:
    """Return the type of each column that begins with numbers."""
    if not names:
        return {}
    facts = [fact for name in names for fact in _measure_numbers(quote_name(name))]
    values = fetch_row(connection, f"select {', '.join(facts)} from ({source})")  # noqa: S608 - names are quoted
    sizes = dict(zip(names, batched(values, 3), strict=True))
    return {
        name: _first_exact(connection, source, name, _number_types(*size))
        for name, size in sizes.items()
    }


def _measure_numbers(text: str) -> list[str]:
    """Return SQL: whether all are plain numbers, and their digits and decimals at most."""
    point = f"instr({text}, '.')"
    return [
        f"coalesce(bool_and({match(text, PLAIN_NUMBER)}), true)",
        f"coalesce(max(if({point} > 0, {point} - 1, strlen({text})) - ({text}[1] = '-')::int), 0)",
        f"coalesce(max(if({point} > 0, strlen({text}) - {point}, 0)), 0)",
    ]


def _number_types(is_plain: bool, digits: int, scale: int) -> list[ColumnType]:
    """Return the types, in order of preference, that may hold numbers of this size."""
    if not is_plain:
        return [ColumnType("DOUBLE")]
    if scale == 0 and digits <= SHORT_DIGITS:
        return [ColumnType("BIGINT")]
    if scale == 0:
        return [ColumnType("BIGINT"), ColumnType("HUGEINT")] if digits <= MAX_DIGITS else []
    decimals = [_decimal_type(digits, scale)] if digits + scale <= MAX_DIGITS else []
    double = ColumnType("DOUBLE")
    return [*decimals, double] if scale <= MAX_EXACT_DECIMALS else [double, *decimals]


def _decimal_type(digits: int, scale: int) -> ColumnType:
    is_short = scale <= SHORT_SCALE and digits + scale <= SHORT_DIGITS
    return ColumnType(f"DECIMAL({SHORT_DIGITS if is_short else MAX_DIGITS},{scale})")


def _first_exact(
    connection: "DuckDBPyConnection", source: str, name: str, kinds: Sequence[ColumnType]
) -> ColumnType:
    """Return the first type that holds all values; what was measured suffices for decimals."""
    column = quote_name(name)
    for kind in kinds:
        is_certain = kind.name.startswith("DECIMAL") or (len(kinds) == 1 and kind.name != "DOUBLE")
        condition = _is_exact_double(column) if kind.name == "DOUBLE" else kind.holds(column)
        if is_certain or all(check_all(connection, source, [condition])):
            return kind
    return TEXT


def _is_exact_double(column: str) -> str:
    """Return SQL that says whether a double gives back all digits of a text."""
    value = f"try_cast({column} as double)"
    digits = rf"regexp_replace(regexp_replace({column}, '[eE].*', ''), '[-. ]', '', 'g')"
    significant = rf"length(trim({digits}, '0'))"
    is_short = f"{significant} <= 15 and ({value} <> 0 or {significant} = 0)"
    is_same = f"trim({column}) = cast({value} as varchar)"
    is_other = f"not regexp_matches({column}, '[0-9]')"  # inf and nan
    is_finite = f"isfinite({value})"
    is_exact = f"{is_other} or ({is_finite} and (({is_short}) or {is_same}))"
    return f"if({column} is null, null, {match(column, FLOAT_NUMBER)} and ({is_exact}))"


def _all_match(texts: Sequence[str], pattern: str) -> bool:
    matches = re.compile(f" *(?:{pattern}) *").fullmatch
    return all(map(matches, texts))


def _all_parse(texts: Sequence[str], form: str) -> bool:
    try:
        for text in texts:
            datetime.strptime(text.strip(), form)  # noqa: DTZ007 - only its form matters
    except ValueError:
        return False
    return True


def _type_of_format(form: str) -> ColumnType:
    return ColumnType("TIMESTAMP" if "%H" in form or "%I" in form else "DATE", form)
