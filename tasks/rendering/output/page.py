"""Builds the page of a report: all figures computed, all values formatted as text.

The templates only lay the page out. They show each string as literal text, never as markup.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from tasks.rendering.data.queries import Selection, store_rows
from tasks.rendering.data.table_files import quote_name
from tasks.rendering.definitions.parameters import format_all_filters, format_given_filters
from tasks.rendering.definitions.schema import Chart, Column, Definition, RenderOrder
from tasks.rendering.output.charts import Mark, build_chart
from tasks.rendering.output.formats import ValueFormatter, format_cell
from tasks.rendering.output.formatters import build_formatter

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection, DuckDBPyRelation

MIN_WIDE_CHARACTERS = 30
"""A column with a longer text shares the spare width of the table."""
LINES_TABLE = "report_lines"
"""The DuckDB table with all lines of the report's table."""


def build_page(
    order: RenderOrder,
    definition: Definition,
    connection: "DuckDBPyConnection",
    selection: Selection,
) -> dict[str, Any]:
    """Build the page of a report from plain types that JSON has.

    ``count`` is the number of rows of the query, ``lines`` that of the lines in the table. The
    lines are stored as ``LINES_TABLE`` of the connection, with the labels as column names.
    """
    known, formats = order.origin.parameters, build_formatter(order.region)
    filters = format_all_filters(known, order.filters)
    rows = store_rows(connection, "report_rows", selection)
    (count,) = _aggregate_rows(rows, ["count(*)"])
    lines = _store_lines(order, definition, connection)
    page = {
        "title": definition.title,
        "description": definition.description,
        "notice": definition.notice,
        "filters": [{"label": name, "value": value} for name, value in filters],
        "scope": " · ".join(format_given_filters(known, order.filters).values()),
        "count": count,
        "counted": formats.format_value(count, "integer"),
        "made_on": formats.format_value(order.made_on, "date") if order.made_on else "",
        "brand": msgspec.structs.asdict(order.brand),
        "lines": _aggregate_rows(lines, ["count(*)"])[0],
        "kpis": [],
        "charts": [],
    }
    return page if count == 0 else page | _build_body(order, definition, rows, lines, formats)


def _build_body(
    order: RenderOrder,
    definition: Definition,
    rows: "DuckDBPyRelation",
    lines: "DuckDBPyRelation",
    formats: ValueFormatter,
) -> dict[str, Any]:
    covers, *figures = _aggregate_rows(
        rows, [definition.covers, *(k.value for k in definition.kpis)]
    )
    charts = (build_chart(chart, _fetch_marks(chart, rows), formats) for chart in definition.charts)
    return {
        "covers": formats.format_value(covers, "text"),
        "kpis": [
            {"label": kpi.label, "value": formats.format_value(figure, kpi.format)}
            for kpi, figure in zip(definition.kpis, figures, strict=True)
        ],
        "charts": [chart for chart in charts if chart],
        "table": _build_table(order, definition, rows, lines, formats),
    }


def _aggregate_rows(rows: "DuckDBPyRelation", values: list[str]) -> tuple[Any, ...]:
    """Compute SQL aggregates over all rows."""
    (figures,) = rows.aggregate(", ".join(values)).fetchall()
    return tuple(figures)


def _fetch_marks(chart: Chart, rows: "DuckDBPyRelation") -> list[Mark]:
    series = chart.series or "''"
    label = chart.label or chart.x
    columns = f"{label} as label, {series} as part, {chart.y} as height, {chart.x} as place"
    order = "height desc, place" if chart.kind in ("bar", "share") else "place, part"
    keys = f"{chart.x}, {series}" if chart.series else chart.x
    groups = rows.aggregate(columns, keys).order(order).fetchall()
    return [
        Mark(str(label), float(height), str(part))
        for label, part, height, _ in groups
        if height is not None
    ]


def _build_table(
    order: RenderOrder,
    definition: Definition,
    rows: "DuckDBPyRelation",
    lines: "DuckDBPyRelation",
    formats: ValueFormatter,
) -> dict[str, Any]:
    limit, columns = definition.limits.table_rows, definition.select_columns(order.filters)
    (total,) = _aggregate_rows(lines, ["count(*)"])
    cells = [_format_cells(columns, line, formats) for line in lines.limit(limit).fetchall()]
    return {
        "title": definition.table.title,
        "columns": _build_headers(columns, cells),
        "rows": cells,
        "totals": _format_totals(columns, rows, formats),
        "shown": formats.format_value(len(cells), "integer"),
        "of": formats.format_value(total, "integer") if total > limit else "",
    }


def _build_headers(
    columns: Sequence[Column], lines: Sequence[Sequence[str]]
) -> list[dict[str, Any]]:
    """Return the headers. A column with long texts grows too, or it would squeeze the others."""
    lengths = [max(map(len, texts)) for texts in zip(*lines, strict=True)]
    return [
        {
            "label": column.label,
            "align": column.alignment,
            "grow": column.grow or length > MIN_WIDE_CHARACTERS,
        }
        for column, length in zip(columns, lengths, strict=True)
    ]


def _store_lines(
    order: RenderOrder, definition: Definition, connection: "DuckDBPyConnection"
) -> "DuckDBPyRelation":
    """Store all lines of the table in their order as ``LINES_TABLE``."""
    table, columns = definition.table, definition.select_columns(order.filters)
    values = ", ".join(f"{column.value} as {quote_name(column.label)}" for column in columns)
    group = f" group by {', '.join(table.group)}" if table.group else ""
    sql = f"select {values} from report_rows{group} order by {', '.join(table.order)}"  # noqa: S608 - the SQL of the report type
    return store_rows(connection, LINES_TABLE, Selection(sql))


def _format_totals(
    columns: Sequence[Column], rows: "DuckDBPyRelation", formats: ValueFormatter
) -> list[str]:
    """Return the totals over all rows, not only over those shown; [] if no column has one."""
    if not any(column.total for column in columns):
        return []
    figures = _aggregate_rows(rows, [column.total or "null" for column in columns])
    return [
        formats.format_value(figure, column.format) if column.total else ""
        for column, figure in zip(columns, figures, strict=True)
    ]


def _format_cells(
    columns: Sequence[Column], line: tuple[Any, ...], formats: ValueFormatter
) -> list[str]:
    pairs = zip(columns, line, strict=True)
    return [format_cell(formats.format_value(value, column.format)) for column, value in pairs]
