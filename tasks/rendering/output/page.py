"""What stands on the page: every figure counted, every value written out.

The template only lays out. Nothing here is markup: the template takes each
string as literal text.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from tasks.rendering.data.queries import Selection, quoted, stored
from tasks.rendering.definitions.parameters import said, spelled
from tasks.rendering.definitions.schema import Chart, Column, Definition, Order
from tasks.rendering.output.charts import Mark, drawn
from tasks.rendering.output.formats import wrapped, written

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection, DuckDBPyRelation

WIDE = 30
"""Characters from which on a text makes its column share the spare width."""


LINES = "report_lines"
"""The table of a report, all of it, as it is kept while the report is made."""


def filled(
    order: Order, definition: Definition, connection: "DuckDBPyConnection", found: Selection
) -> dict[str, Any]:
    """The page of a report: plain types, ready for JSON.

    ``count`` is the rows it is made of, ``lines`` how many its table has, which is left as
    the table ``LINES`` of the connection, its columns named by their labels.
    """
    known = order.origin.parameters
    filters = spelled(known, order.filters)
    rows = stored(connection, "report_rows", found)
    (count,) = _figures(rows, ["count(*)"])
    lines = _lines(order, definition, connection)
    page = {
        "title": definition.title,
        "description": definition.description,
        "notice": definition.notice,
        "filters": [{"label": name, "value": value} for name, value in filters],
        "scope": " · ".join(said(known, order.filters).values()),
        "count": count,
        "counted": written(count, "integer"),
        "lines": _figures(lines, ["count(*)"])[0],
        "kpis": [],
        "charts": [],
    }
    return page if count == 0 else page | _body(order, definition, rows, lines)


def _body(
    order: Order, definition: Definition, rows: "DuckDBPyRelation", lines: "DuckDBPyRelation"
) -> dict[str, Any]:
    covers, *figures = _figures(rows, [definition.covers, *(k.value for k in definition.kpis)])
    charts = (drawn(chart, _marks(chart, rows)) for chart in definition.charts)
    return {
        "covers": written(covers, "text"),
        "kpis": [
            {"label": kpi.label, "value": written(figure, kpi.format)}
            for kpi, figure in zip(definition.kpis, figures, strict=True)
        ],
        "charts": [chart for chart in charts if chart],
        "table": _table(order, definition, rows, lines),
    }


def _figures(rows: "DuckDBPyRelation", values: list[str]) -> tuple[Any, ...]:
    """One aggregate each over all rows."""
    (figures,) = rows.aggregate(", ".join(values)).fetchall()
    return tuple(figures)


def _marks(chart: Chart, rows: "DuckDBPyRelation") -> list[Mark]:
    series = chart.series or "''"
    label = chart.label or chart.x
    wanted = f"{label} as label, {series} as part, {chart.y} as height, {chart.x} as place"
    order = "height desc, place" if chart.kind in ("bar", "share") else "place, part"
    by = f"{chart.x}, {series}" if chart.series else chart.x
    groups = rows.aggregate(wanted, by).order(order).fetchall()
    return [
        Mark(str(label), float(height), str(part))
        for label, part, height, _ in groups
        if height is not None
    ]


def _table(
    order: Order, definition: Definition, rows: "DuckDBPyRelation", lines: "DuckDBPyRelation"
) -> dict[str, Any]:
    limit, columns = definition.limits.table_rows, definition.shown(order.filters)
    (total,) = _figures(lines, ["count(*)"])
    cells = [_cells(columns, line) for line in lines.limit(limit).fetchall()]
    return {
        "title": definition.table.title,
        "columns": _heads(columns, cells),
        "rows": cells,
        "totals": _totals(columns, rows),
        "shown": written(len(cells), "integer"),
        "of": written(total, "integer") if total > limit else "",
    }


def _heads(columns: Sequence[Column], lines: Sequence[Sequence[str]]) -> list[dict[str, Any]]:
    """The columns; one with long texts grows too, for as it is it would push others away."""
    longest = [max(map(len, texts)) for texts in zip(*lines, strict=True)]
    return [
        {"label": column.label, "align": column.side, "grow": column.grow or length > WIDE}
        for column, length in zip(columns, longest, strict=True)
    ]


def _lines(
    order: Order, definition: Definition, connection: "DuckDBPyConnection"
) -> "DuckDBPyRelation":
    """All lines of the table in their order."""
    table, columns = definition.table, definition.shown(order.filters)
    values = ", ".join(f"{column.value} as {quoted(column.label)}" for column in columns)
    group = f" group by {', '.join(table.group)}" if table.group else ""
    sql = f"select {values} from report_rows{group} order by {', '.join(table.order)}"  # noqa: S608 - the type's own SQL
    return stored(connection, LINES, Selection(sql))


def _totals(columns: Sequence[Column], rows: "DuckDBPyRelation") -> list[str]:
    """What stands under the table: totals over all rows, not only those shown."""
    if not any(column.total for column in columns):
        return []
    figures = _figures(rows, [column.total or "null" for column in columns])
    return [
        written(figure, column.format) if column.total else ""
        for column, figure in zip(columns, figures, strict=True)
    ]


def _cells(columns: Sequence[Column], line: tuple[Any, ...]) -> list[str]:
    pairs = zip(columns, line, strict=True)
    return [wrapped(written(value, column.format)) for column, value in pairs]
