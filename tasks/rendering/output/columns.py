"""SQL for the columns of a file: each format gets the values in a form that it holds exactly.

Columns of one name get numbers: ``id, ID`` become ``id, ID_1``.
"""

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

from tasks.rendering.data.queries import Selection
from tasks.rendering.data.table_files import name_columns, quote_name
from tasks.rendering.definitions.column_types import quote_text

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

type ColumnTypes = dict[str, str]
"""DuckDB type by column name."""

FORMULA_PATTERN = "^[=+\\-@\\t\\r\\n\uff1d\uff0b\uff0d\uff20]"
"""The start of a text that a spreadsheet may run (OWASP, CSV injection), full width included."""
TEXTLESS_TYPES = (
    "BOOLEAN", "TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT",
    "UINTEGER", "UBIGINT", "UHUGEINT", "FLOAT", "DOUBLE", "DECIMAL", "DATE", "TIME", "TIMESTAMP",
)  # fmt: skip
LARGEST_DECIMAL = 10**38 - 1
_HUGE = re.compile(r"\bU?HUGEINT\b")
_FLOATS = re.compile(r"\b(FLOAT|DOUBLE)\b")
_NO_NUMBER = r"[:\[,](NaN|-?Infinity)[,\]}]"


class ColumnSource(NamedTuple):
    """A query whose columns have different names, and their types."""

    selection: Selection
    types: ColumnTypes

    def select(self, columns: Mapping[str, str]) -> Selection:
        """Return a query for SQL expressions over the columns, by the name of each."""
        values = ", ".join(f"{value} as {quote_name(name)}" for name, value in columns.items())
        return Selection(f"select {values} from {self.sql}", self.selection.values)  # noqa: S608 - names are quoted

    @property
    def sql(self) -> str:
        """The query as a subquery."""
        names = ", ".join(map(quote_name, self.types))
        return f"({self.selection.sql}\n) as source_rows({names})"

    def check(self, connection: "DuckDBPyConnection", conditions: Mapping[str, str]) -> set[str]:
        """Return for which columns a SQL condition is true in a row."""
        if not conditions:
            return set()
        values = ", ".join(f"coalesce(bool_or({each}), false)" for each in conditions.values())
        sql = f"select {values} from {self.sql}"  # noqa: S608 - names are quoted
        (answers,) = connection.execute(sql, dict(self.selection.values)).fetchall()
        return {name for name, answer in zip(conditions, answers, strict=True) if answer}


def open_source(connection: "DuckDBPyConnection", selection: Selection) -> ColumnSource:
    """Return the query with different names for its columns."""
    described = connection.execute(f"describe {selection.sql}", dict(selection.values)).fetchall()
    names = name_columns([name for name, *_ in described])
    return ColumnSource(
        selection, dict(zip(names, (kind for _, kind, *_ in described), strict=True))
    )


def is_textless(column_type: str) -> bool:
    """Return whether values of a DuckDB type, such as numbers and times, contain no free text."""
    return column_type.startswith(TEXTLESS_TYPES) and not column_type.endswith("]")


def select_for_csv(source: ColumnSource) -> Selection:
    """Return the query for CSV: a text or a name that could run as a formula gets an apostrophe."""
    columns = {
        _escape_name(name): quote_name(name) if is_textless(kind) else _escape_text(name)
        for name, kind in source.types.items()
    }
    return source.select(columns)


def select_for_json(connection: "DuckDBPyConnection", source: ColumnSource) -> Selection:
    """Return the query for JSON: NaN and infinities are null, and text in lists and objects."""
    nested = {
        name: f"regexp_matches(to_json({quote_name(name)})::varchar, {quote_text(_NO_NUMBER)})"
        for name, kind in source.types.items()
        if _is_nested(kind) and _FLOATS.search(kind)
    }
    inexact = source.check(connection, nested)
    columns = {}
    for name, kind in source.types.items():
        column = quote_name(name)
        if kind in ("FLOAT", "DOUBLE"):
            column = f"if(isfinite({column}), {column}, null)"
        elif name in inexact:
            column = f"cast({column} as {_FLOATS.sub('VARCHAR', kind)})"
        columns[name] = column
    return source.select(columns)


def select_for_parquet(connection: "DuckDBPyConnection", source: ColumnSource) -> Selection:
    """Return the query for Parquet, which has no HUGEINT, no infinite date and no exact interval.

    HUGEINT becomes DECIMAL(38,0) if that holds all values. What Parquet lacks becomes text.
    """
    conditions = {
        name: condition
        for name, kind in source.types.items()
        if (condition := _find_misfit(quote_name(name), kind))
    }
    misfits = source.check(connection, conditions)
    columns = {
        name: _fit_parquet(quote_name(name), kind, is_misfit=name in misfits)
        for name, kind in source.types.items()
    }
    return source.select(columns)


def cast_to_text(name: str) -> str:
    """Return SQL for a column as text."""
    return f"cast({quote_name(name)} as varchar)"


def _find_misfit(column: str, kind: str) -> str:
    if kind in ("HUGEINT", "UHUGEINT"):
        limit = f"{LARGEST_DECIMAL}::{kind}"
        return f"{column} > {limit}" + (f" or {column} < -{limit}" if kind == "HUGEINT" else "")
    if kind == "DATE" or kind.startswith("TIMESTAMP"):
        return f"isinf({column})"
    return ""


def _fit_parquet(column: str, kind: str, *, is_misfit: bool) -> str:
    if is_misfit or kind in ("INTERVAL", "TIME WITH TIME ZONE"):
        return f"cast({column} as varchar)"
    if kind in ("HUGEINT", "UHUGEINT"):
        return f"cast({column} as decimal(38, 0))"
    if _is_nested(kind) and _HUGE.search(kind):
        return f"cast({column} as {_HUGE.sub('VARCHAR', kind)})"
    return column


def _is_nested(kind: str) -> bool:
    return kind.endswith("]") or kind.startswith(("STRUCT", "MAP", "UNION"))


def _escape_text(name: str) -> str:
    text = cast_to_text(name)
    return f"if(regexp_matches({text}, '{FORMULA_PATTERN}'), '''' || {text}, {text})"


def _escape_name(name: str) -> str:
    return f"'{name}" if re.match(FORMULA_PATTERN, name) else name
