"""What a report type is made of, and what passes between the press and who orders."""

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

EXIT_TEMPORARY_FAILURE = 75
"""How the press ends when another attempt may work: EX_TEMPFAIL of sysexits.h."""
EXIT_INVALID_TYPE = 65
"""How the press ends when the type is wrong: EX_DATAERR of sysexits.h."""

type Identifier = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
type DisplayText = Annotated[str, Meta(min_length=1, max_length=400)]
type Sql = Annotated[str, Meta(min_length=1)]
type Source = Literal["flights", "spend"]
type Format = Literal[
    "text", "date", "datetime", "integer", "decimal", "money", "percent", "change"
]
type Alignment = Literal["left", "center", "right"]
type TableRows = Annotated[int, Meta(ge=1, le=2_000)]
type LimitSeconds = Annotated[int, Meta(ge=1, le=600)]
type Output = Literal["pdf", "xlsx", "csv", "parquet", "json", "html"]


class StrictStruct(Struct, frozen=True, forbid_unknown_fields=True):
    """A part of a type: takes no key it does not know."""


class Parameter(StrictStruct, frozen=True):
    """One filter of a report. ``choices`` maps each allowed value to words for people.

    A string without choices has a ``pattern`` it matches whole, with an ``example``.
    ``unset`` is what the PDF says when the filter is not given.
    """

    title: DisplayText
    type: Literal["string", "integer"] = "string"
    choices: dict[str, str] = {}
    pattern: str = ""
    example: str = ""
    required: bool = False
    default: str | int | None = None
    unset: str = "all"


class Kpi(StrictStruct, frozen=True):
    """One figure in a tile: ``value`` is an aggregate over the rows of report.sql."""

    label: DisplayText
    value: Sql
    format: Format


class Chart(StrictStruct, frozen=True):
    """Bars (largest first), a line or stacked columns (in the order of ``x``), or shares of all.

    ``x`` groups the rows, ``label`` names a group (``x`` when empty), ``y`` is the
    aggregate drawn, ``series`` splits each column. ``most`` is how many bars or
    shares are kept; of series and shares the rest are added up as "Other".
    """

    kind: Literal["bar", "line", "stacked", "share"]
    title: DisplayText
    x: Sql
    y: Sql
    format: Format
    label: str = ""
    series: str = ""
    most: Annotated[int, Meta(ge=2, le=30)] = 12


class Column(StrictStruct, frozen=True):
    """One column: an expression over a row, or an aggregate when the table is grouped.

    ``total`` is an aggregate over all rows, ``unless`` a filter that, when given,
    makes the column say nothing new. ``grow`` columns share the spare width.
    """

    label: DisplayText
    value: Sql
    format: Format = "text"
    align: Alignment | None = None
    total: str = ""
    unless: str = ""
    grow: bool = False

    @property
    def alignment(self) -> Alignment:
        """Where the text stands: figures to the right unless the type says otherwise."""
        is_words = self.format in ("text", "date", "datetime")
        return self.align or ("left" if is_words else "right")


class Table(StrictStruct, frozen=True):
    """The table: one line a row, or one line a group. ``order`` must leave no ties."""

    title: DisplayText
    order: Annotated[list[Sql], Meta(min_length=1)]
    group: list[Sql] = []


class Limits(StrictStruct, frozen=True):
    """How far a report may go: lines in its table on paper, seconds in the press."""

    table_rows: TableRows = 2_000
    seconds: LimitSeconds = 60


class Origin(StrictStruct, frozen=True, kw_only=True):
    """Where rows come from: demo ``sources``, own ``files``, or a database.

    ``files`` maps a table's name to a pattern of CSV, Parquet or JSON files, from the
    folder of the type on. With ``engine`` postgres the SQL is run by DATABASE_URL.
    """

    title: DisplayText
    engine: Literal["duckdb", "postgres"] = "duckdb"
    sources: list[Source] = []
    files: dict[Identifier, DisplayText] = {}
    parameters: dict[Identifier, Parameter] = {}
    limits: Limits = Limits()


class Definition(Origin, frozen=True, kw_only=True):
    """A report.toml. ``covers`` is an expression over all rows: the time they are from."""

    description: DisplayText
    covers: Sql
    kpis: Annotated[list[Kpi], Meta(min_length=1, max_length=4)]
    table: Table
    columns: Annotated[list[Column], Meta(min_length=1)]
    notice: str = ""
    charts: list[Chart] = []

    @property
    def origin(self) -> Origin:
        """Where its rows come from."""
        return Origin(**{name: getattr(self, name) for name in Origin.__struct_fields__})

    def select_columns(self, filters: dict[str, Any]) -> Sequence[Column]:
        """The columns that say something under these filters."""
        return [column for column in self.columns if column.unless not in filters]


class RenderOrder(Struct, frozen=True, kw_only=True):
    """All the press needs: where from, one SELECT, checked filters, and what to make of the rows.

    With a ``definition`` it is a report, in each of ``outputs``; without one the rows as they
    are. Files are made in ``folder``, which is cleared by who ordered, for the press may be
    killed. ``home`` is the folder of the type, ``archival`` asks for PDF/A.
    """

    name: str
    origin: Origin
    sql: str
    filters: dict[str, Any]
    outputs: list[Output]
    home: str
    folder: str
    demo_dir: str
    database_url: str = ""
    archival: bool = False
    definition: Definition | None = None


class RenderProgress(Struct, frozen=True, tag="step"):
    """How far the press is: so many rows of so many."""

    done: int
    total: int | None = None
    note: str = ""


class RenderResult(Struct, frozen=True, tag="made"):
    """What the press has made: a file of each output.

    ``rows`` it was made of and the time that they cover, ``lines`` in its table, ``pages`` of the
    PDF if there is one.
    """

    files: dict[str, str]
    rows: int
    lines: int
    pages: int | None = None
    covers: str = ""


type RenderMessage = RenderProgress | RenderResult
