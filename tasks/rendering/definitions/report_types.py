"""Loads report types: folders with a report.toml and a report.sql, ours and of REPORTS_DIR."""

import re
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from project.errors import InvalidField, PermanentError
from tasks.rendering.definitions import parameters
from tasks.rendering.definitions.column_types import parse_type
from tasks.rendering.definitions.schema import Chart, Definition, Origin
from tasks.rendering.settings import get_rendering_settings

TYPES_FOLDER = Path(__file__).parent / "types"

_NAME = re.compile(r"[a-z][a-z0-9_-]{0,39}")
_BOUND_NAME = re.compile(r"\$([a-z_][a-z0-9_]*)")
_NOT_SQL = re.compile(r"--[^\n]*|/\*.*?\*/|'(?:[^']|'')*'", re.DOTALL)


class ReportTypeFolder(Struct, frozen=True):
    """A report type: its name, its folder, the parsed report.toml and the text of report.sql."""

    name: str
    home: Path
    definition: Definition
    sql: str


@cache
def load_all_types() -> dict[str, ReportTypeFolder]:
    """Load and check every type once per process: ours and those of REPORTS_DIR.

    Returns them by name. Raises ``PermanentError`` for an invalid type.
    """
    folder = get_rendering_settings().reports_dir
    own_types = load_types_in(Path(folder).resolve()) if folder else {}
    return load_types_in(TYPES_FOLDER) | own_types


def find_type(report_type: object) -> ReportTypeFolder:
    """Return a type by name. Raises ``InvalidField`` with the known names if there is none."""
    types = load_all_types()
    if not isinstance(report_type, str) or report_type not in types:
        raise InvalidField("type", f"must be one of {', '.join(types)}")
    return types[report_type]


def load_types_in(folder: Path) -> dict[str, ReportTypeFolder]:
    """Load the types in ``folder``. Raises ``PermanentError`` with the type and the reason."""
    if not folder.is_dir():
        raise PermanentError(
            f"{folder} is not a folder; REPORTS_DIR must be a folder of report types"
        )
    return {kind.name: kind for kind in _iterate_types(folder)}


def build_filter_schema(origin: Origin) -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of the filters of a type or a source."""
    items = origin.parameters.items()
    return {
        "type": "object",
        "properties": {
            name: parameters.build_parameter_schema(parameter) for name, parameter in items
        },
        "required": [name for name, parameter in items if parameter.required],
        "additionalProperties": False,
    }


def find_bound_names(sql: str) -> set[str]:
    """Return the names that a query binds, such as ``$month``, outside of texts and comments."""
    return set(_BOUND_NAME.findall(_NOT_SQL.sub("", sql)))


def check_origin(origin: Origin) -> None:
    """Raise ``ValueError`` unless an origin has exactly one source and valid parameters."""
    is_local = bool(origin.sources or origin.files)
    if is_local == (origin.engine == "postgres"):
        raise ValueError('give either sources or files, or engine = "postgres", not both')
    if duplicates := set(origin.sources) & origin.files.keys():
        raise ValueError(f"files.{min(duplicates)}: is already a source; choose another name")
    for table, types in origin.types.items():
        if table not in origin.files:
            raise ValueError(f"types.{table}: files has no table {table!r}")
        for column, text in types.items():
            _check_type(f"types.{table}.{column}", text)
    for name, parameter in origin.parameters.items():
        parameters.check_parameter(name, parameter)


def _check_type(field: str, text: str) -> None:
    try:
        parse_type(text)
    except ValueError as error:
        raise ValueError(f"{field}: {error}") from None


def _iterate_types(folder: Path) -> Iterator[ReportTypeFolder]:
    for path in sorted(folder.iterdir()):
        is_source = (path / "source.toml").is_file()
        if path.is_dir() and not is_source and not path.name.startswith((".", "_")):
            yield _read_type(path)


def _read_type(folder: Path) -> ReportTypeFolder:
    try:
        return _parse_type(folder)
    except (OSError, ValueError) as error:
        raise PermanentError(f"report type {folder.name!r}: {error}") from error


def _parse_type(folder: Path) -> ReportTypeFolder:
    if not _NAME.fullmatch(folder.name):
        raise ValueError(
            "a folder name must be a lower-case letter, then lower-case letters, digits, - and _"
        )
    table = tomllib.loads((folder / "report.toml").read_text(encoding="utf-8"))
    definition = msgspec.convert(table, Definition)
    sql = (folder / "report.sql").read_text(encoding="utf-8")
    check_origin(definition.origin)
    _check_bound_names(definition, sql)
    _check_columns(definition)
    for chart in definition.charts:
        _check_chart(chart)
    return ReportTypeFolder(folder.name, folder, definition, sql)


def _check_bound_names(definition: Definition, sql: str) -> None:
    """Check that report.sql binds exactly the parameters of report.toml."""
    names = find_bound_names(sql)
    for name in sorted(names ^ definition.parameters.keys()):
        problem = "report.toml has no parameter" if name in names else "report.sql does not use"
        raise ValueError(f"{problem} {name!r}")


def _check_columns(definition: Definition) -> None:
    """Check that labels differ in more than case: DuckDB ignores the case of column names."""
    seen: set[str] = set()
    for column in definition.columns:
        if column.unless and column.unless not in definition.parameters:
            raise ValueError(f"column {column.label!r}: unless must name a parameter")
        if column.label.casefold() in seen:
            raise ValueError(f"column {column.label!r}: there are two of that name; rename one")
        seen.add(column.label.casefold())


def _check_chart(chart: Chart) -> None:
    if bool(chart.series) != (chart.kind == "stacked"):
        raise ValueError(
            f"chart {chart.title!r}: stacked needs a series, other kinds must not have one"
        )
