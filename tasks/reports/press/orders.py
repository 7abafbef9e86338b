"""What a report type is made of, and what passes between the press and who orders."""

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

PASSING = 75
"""How the press ends when another attempt may work: EX_TEMPFAIL of sysexits.h."""
WRONG = 65
"""How the press ends when the type is wrong: EX_DATAERR of sysexits.h."""

type Name = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
type Words = Annotated[str, Meta(min_length=1, max_length=400)]
type Sql = Annotated[str, Meta(min_length=1)]
type Source = Literal["flights", "spend"]
type Format = Literal["text", "date", "integer", "decimal", "money", "percent", "change"]
type Alignment = Literal["left", "center", "right"]
type TableRows = Annotated[int, Meta(ge=1, le=2_000)]
type Seconds = Annotated[int, Meta(ge=1, le=600)]


class Shape(Struct, frozen=True, forbid_unknown_fields=True):
    """A part of a type: takes no key it does not know."""


class Parameter(Shape, frozen=True):
    """One filter of a report. ``choices`` maps each allowed value to words for people.

    A string without choices has a ``pattern`` it matches whole, with an ``example``.
    ``unset`` is what the PDF says when the filter is not given.
    """

    title: Words
    type: Literal["string", "integer"] = "string"
    choices: dict[str, str] = {}
    pattern: str = ""
    example: str = ""
    required: bool = False
    default: str | int | None = None
    unset: str = "all"


class Kpi(Shape, frozen=True):
    """One figure in a tile: ``value`` is an aggregate over the rows of report.sql."""

    label: Words
    value: Sql
    format: Format


class Chart(Shape, frozen=True):
    """Bars (largest first) or a line (in the order of ``x``).

    ``x`` groups the rows, ``label`` names a group (``x`` when empty), ``y`` is
    the aggregate drawn. ``most`` is the number of bars that are kept.
    """

    kind: Literal["bar", "line"]
    title: Words
    x: Sql
    y: Sql
    format: Format
    label: str = ""
    most: Annotated[int, Meta(ge=2, le=30)] = 12


class Column(Shape, frozen=True):
    """One column: an expression over a row, or an aggregate when the table is grouped.

    ``total`` is an aggregate over all rows, ``unless`` a filter that, when given,
    makes the column say nothing new. ``grow`` columns share the spare width.
    """

    label: Words
    value: Sql
    format: Format = "text"
    align: Alignment | None = None
    total: str = ""
    unless: str = ""
    grow: bool = False

    @property
    def side(self) -> Alignment:
        """Where the text stands: figures to the right unless the type says otherwise."""
        return self.align or ("left" if self.format in ("text", "date") else "right")


class Table(Shape, frozen=True):
    """The table: one line a row, or one line a group. ``order`` must leave no ties."""

    title: Words
    order: Annotated[list[Sql], Meta(min_length=1)]
    group: list[Sql] = []


class Limits(Shape, frozen=True):
    """How far a report may go: lines in its table, seconds in the press."""

    table_rows: TableRows = 500
    seconds: Seconds = 60


class Definition(Shape, frozen=True):
    """A report.toml. ``covers`` is an expression over all rows: the time they are from."""

    title: Words
    description: Words
    sources: Annotated[list[Source], Meta(min_length=1)]
    covers: Sql
    kpis: Annotated[list[Kpi], Meta(min_length=1, max_length=4)]
    table: Table
    columns: Annotated[list[Column], Meta(min_length=1)]
    notice: str = ""
    parameters: dict[Name, Parameter] = {}
    charts: list[Chart] = []
    limits: Limits = Limits()

    def shown(self, filters: dict[str, Any]) -> Sequence[Column]:
        """The columns that say something under these filters."""
        return [column for column in self.columns if column.unless not in filters]


class Order(Struct, frozen=True, kw_only=True):
    """All the press needs: a type and checked filters.

    The demo data is in ``demo_dir``; ``scratch_dir`` is cleared by who ordered,
    for the press may be killed.
    """

    definition: Definition
    sql: str
    filters: dict[str, Any]
    demo_dir: str
    scratch_dir: str
