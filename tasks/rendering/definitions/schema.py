"""The structs of a report type, and the messages between a job and the render process."""

from collections.abc import Callable, Sequence
from datetime import date
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from tasks.rendering.brands import Brand
from tasks.rendering.regions import Region

EXIT_TEMPORARY_FAILURE = 75
"""Exit code of the render process when another attempt may work: EX_TEMPFAIL of sysexits.h."""
EXIT_INVALID_TYPE = 65
"""Exit code of the render process when the report type is wrong: EX_DATAERR of sysexits.h."""

MAX_LISTED_COLUMNS = 200
"""Columns of a table that a result lists."""

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
    """A part of a report type; an unknown key is an error."""


class Parameter(StrictStruct, frozen=True):
    """One filter of a report. ``choices`` maps each allowed value to its display text.

    A string without choices may have a ``pattern``, which must match the whole value, and then
    needs an ``example``. ``unset`` is the text in the PDF when the filter is not given.
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
    """One figure in a tile; ``value`` is a SQL aggregate over the rows of report.sql."""

    label: DisplayText
    value: Sql
    format: Format


class Chart(StrictStruct, frozen=True):
    """A chart: bars (largest first), a line, stacked columns (in ``x`` order), or shares.

    All are SQL: ``x`` groups the rows, ``label`` names a group (default: ``x``), ``y`` is the
    aggregate to draw, ``series`` splits each column. ``most`` is the number of bars or shares
    to keep; the remaining series and shares are added up as "Other".
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
    """A table column: a SQL expression over a row, or an aggregate when the table is grouped.

    ``total`` is an aggregate over all rows. ``unless`` names a filter; the column is left out
    when that filter is given. ``grow`` columns share the spare width.
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
        """``align``, by default left for texts and dates and right for numbers."""
        is_text = self.format in ("text", "date", "datetime")
        return self.align or ("left" if is_text else "right")


class Table(StrictStruct, frozen=True):
    """The table: one line per row, or per group if ``group`` is set. ``order`` must be total."""

    title: DisplayText
    order: Annotated[list[Sql], Meta(min_length=1)]
    group: list[Sql] = []


class Limits(StrictStruct, frozen=True):
    """Limits of a report: lines of the table in PDF and HTML, seconds in the render process."""

    table_rows: TableRows = 2_000
    seconds: LimitSeconds = 60


class Origin(StrictStruct, frozen=True, kw_only=True):
    """The source of the rows: demo ``sources``, own ``files``, or a database.

    ``files`` maps a table name to a glob pattern of CSV, Parquet or JSON files, relative to the
    folder of the type. ``types`` fixes the types of columns, by table and column. With ``engine``
    postgres, the SQL runs on DATABASE_URL.
    """

    title: DisplayText
    engine: Literal["duckdb", "postgres"] = "duckdb"
    sources: list[Source] = []
    files: dict[Identifier, DisplayText] = {}
    types: dict[Identifier, dict[str, str]] = {}
    parameters: dict[Identifier, Parameter] = {}
    limits: Limits = Limits()


class Definition(Origin, frozen=True, kw_only=True):
    """A report.toml. ``covers`` is a SQL aggregate over all rows: the period they cover.

    ``cover`` says whether the PDF has a first page of its own; None: from three pages on.
    """

    description: DisplayText
    covers: Sql
    kpis: Annotated[list[Kpi], Meta(min_length=1, max_length=4)]
    table: Table
    columns: Annotated[list[Column], Meta(min_length=1)]
    notice: str = ""
    cover: bool | None = None
    charts: list[Chart] = []

    @property
    def origin(self) -> Origin:
        """The part of the definition that says where the rows come from."""
        return Origin(**{name: getattr(self, name) for name in Origin.__struct_fields__})

    def select_columns(self, filters: dict[str, Any]) -> Sequence[Column]:
        """Return the columns without those that ``unless`` leaves out for these filters."""
        return [column for column in self.columns if column.unless not in filters]


class RenderOrder(Struct, frozen=True, kw_only=True):
    """The input of the render process: an origin, one SELECT, checked filters and outputs.

    With a ``definition`` the outputs are a report, without one the rows of the query. The files
    are written to ``folder``; the caller removes it, because the process may be killed.
    ``home`` is the folder of the report type. ``archival`` makes the PDF a PDF/A. The pages show
    the date ``made_on``, if any.
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
    region: Region = Region()
    brand: Brand = Brand()
    made_on: date | None = None


class RenderProgress(Struct, frozen=True, tag="step"):
    """Progress of the render process in rows; ``total`` is None while it is unknown."""

    done: int
    total: int | None = None
    note: str = ""


class Dialect(Struct, frozen=True, omit_defaults=True):
    """How CSV files are written; ``files`` counts those that are written so."""

    files: int
    delimiter: str
    quote: str = '"'
    encoding: str = "utf-8"
    has_header: bool = True
    skipped_lines: int = 0


class ReadAs(Struct, frozen=True, omit_defaults=True):
    """How the files of a table were read: the type of each column, and why some are text.

    Of a wide table, ``columns`` has the first ``MAX_LISTED_COLUMNS``.
    """

    files: int
    format: str
    columns: dict[str, str]
    dialects: Sequence[Dialect] = ()
    notes: Sequence[str] = ()


class RenderResult(Struct, frozen=True, tag="made"):
    """The output of the render process: ``files`` maps each output to its file name.

    ``rows`` is the number of rows of the query and ``covers`` their period, ``lines`` the number
    of lines in the table, ``pages`` those of the PDF, None without a PDF. ``read_as`` says by
    table how the type's own files were read, ``warnings`` what the files do not show.
    """

    files: dict[str, str]
    rows: int
    lines: int
    pages: int | None = None
    covers: str = ""
    read_as: dict[str, ReadAs] = {}
    warnings: Sequence[str] = ()


type RenderMessage = RenderProgress | RenderResult
type ProgressListener = Callable[[RenderProgress], None]
