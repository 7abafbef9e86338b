"""What stands on the page: every figure counted, every value written out.

The template only lays out. Nothing here is markup: the template takes each
string as literal text.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from .charts import Point, drawn
from .formats import wrapped, written
from .orders import Chart, Column, Order, Table

if TYPE_CHECKING:
    from duckdb import DuckDBPyRelation

WIDE = 30
"""Characters from which on a text makes its column share the spare width."""


def filled(order: Order, rows: "DuckDBPyRelation") -> dict[str, Any]:
    """The page of a report: plain types, ready for JSON. ``count`` is the rows it is made of."""
    definition = order.definition
    (count,) = _figures(rows, ["count(*)"])
    page = {
        "title": definition.title,
        "description": definition.description,
        "notice": definition.notice,
        "filters": _filters(order),
        "scope": " · ".join(_said(order).values()),
        "count": count,
        "counted": written(count, "integer"),
    }
    return page if count == 0 else page | _body(order, rows)


def _body(order: Order, rows: "DuckDBPyRelation") -> dict[str, Any]:
    definition = order.definition
    covers, *figures = _figures(rows, [definition.covers, *(k.value for k in definition.kpis)])
    charts = (drawn(chart, _points(chart, rows)) for chart in definition.charts)
    return {
        "covers": written(covers, "text"),
        "kpis": [
            {"label": kpi.label, "value": written(figure, kpi.format)}
            for kpi, figure in zip(definition.kpis, figures, strict=True)
        ],
        "charts": [chart for chart in charts if chart],
        "table": _table(order, rows),
    }


def _filters(order: Order) -> list[dict[str, str]]:
    said = _said(order)
    return [
        {"label": parameter.title, "value": said.get(name, parameter.unset)}
        for name, parameter in order.definition.parameters.items()
    ]


def _said(order: Order) -> dict[str, str]:
    """The given filters in words for people."""
    known = order.definition.parameters
    return {
        name: known[name].choices.get(str(value), str(value))
        for name, value in order.filters.items()
    }


def _figures(rows: "DuckDBPyRelation", values: list[str]) -> tuple[Any, ...]:
    """One aggregate each over all rows."""
    (figures,) = rows.aggregate(", ".join(values)).fetchall()
    return tuple(figures)


def _points(chart: Chart, rows: "DuckDBPyRelation") -> list[Point]:
    wanted = f"{chart.label or chart.x} as label, {chart.y} as height, {chart.x} as place"
    order = "place" if chart.kind == "line" else "height desc, place"
    groups = rows.aggregate(wanted, chart.x).order(order).fetchall()
    return [(str(label), float(height)) for label, height, _ in groups if height is not None]


def _table(order: Order, rows: "DuckDBPyRelation") -> dict[str, Any]:
    definition, limit = order.definition, order.definition.limits.table_rows
    columns = definition.shown(order.filters)
    table = _lines(definition.table, columns, rows)
    (total,) = _figures(table, ["count(*)"])
    lines = [_cells(columns, line) for line in table.limit(limit).fetchall()]
    return {
        "title": definition.table.title,
        "columns": _heads(columns, lines),
        "rows": lines,
        "totals": _totals(columns, rows),
        "shown": written(len(lines), "integer"),
        "of": written(total, "integer") if total > limit else "",
    }


def _heads(columns: Sequence[Column], lines: Sequence[Sequence[str]]) -> list[dict[str, Any]]:
    """The columns; one with long texts grows too, for as it is it would push others away."""
    longest = [max(map(len, texts)) for texts in zip(*lines, strict=True)]
    return [
        {"label": column.label, "align": column.side, "grow": column.grow or length > WIDE}
        for column, length in zip(columns, longest, strict=True)
    ]


def _lines(table: Table, columns: Sequence[Column], rows: "DuckDBPyRelation") -> "DuckDBPyRelation":
    """The table's lines in their order: first the columns, then what they are ordered by."""
    keys = [key.removesuffix(" desc") for key in table.order]
    values = [column.value for column in columns] + keys
    wanted = ", ".join(f"{value} as v{at}" for at, value in enumerate(values))
    lines = rows.aggregate(wanted, ", ".join(table.group)) if table.group else rows.project(wanted)
    directions = ["desc" if key.endswith(" desc") else "asc" for key in table.order]
    order = (f"v{at} {way}" for at, way in enumerate(directions, len(columns)))
    return lines.order(", ".join(order))


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
    pairs = zip(columns, line, strict=False)
    return [wrapped(written(value, column.format)) for column, value in pairs]
