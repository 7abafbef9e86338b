"""The report types: folders with a report.toml and a report.sql, ours and those of REPORTS_DIR."""

import re
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from project.errors import InvalidField, PermanentError
from project.settings.values import get_settings
from tasks.rendering.definitions import parameters
from tasks.rendering.definitions.schema import Chart, Definition, Origin

TYPES_FOLDER = Path(__file__).parent / "types"

_NAME = re.compile(r"[a-z][a-z0-9_-]{0,39}")
_BOUND_NAME = re.compile(r"\$([a-z_][a-z0-9_]*)")
_NOT_SQL = re.compile(r"--[^\n]*|/\*.*?\*/|'(?:[^']|'')*'", re.DOTALL)


class ReportTypeFolder(Struct, frozen=True):
    """One folder: its name and place, what report.toml says, the text of report.sql."""

    name: str
    home: Path
    definition: Definition
    sql: str


@cache
def load_all_types() -> dict[str, ReportTypeFolder]:
    """Every type by name, read and checked once per process.

    Raises ``PermanentError`` for a folder that is no type, and says why.
    """
    own = get_settings().reports_dir
    return load_types_in(TYPES_FOLDER) | (load_types_in(Path(own).resolve()) if own else {})


def find_type(report_type: object) -> ReportTypeFolder:
    """The type of this name. ``InvalidField`` on ``type`` names the known ones if it is none."""
    types = load_all_types()
    if not isinstance(report_type, str) or report_type not in types:
        raise InvalidField("type", f"must be one of {', '.join(types)}")
    return types[report_type]


def load_types_in(folder: Path) -> dict[str, ReportTypeFolder]:
    """The types in ``folder``. ``PermanentError`` names the file that is wrong and why."""
    if not folder.is_dir():
        raise PermanentError(f"{folder} is no folder of report types")
    return {kind.name: kind for kind in _iterate_types(folder)}


def build_filter_schema(origin: Origin) -> dict[str, Any]:
    """The filters of a type or a source as JSON Schema (2020-12)."""
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
    """The names that a query binds: ``$month``, but not in a text or a comment."""
    return set(_BOUND_NAME.findall(_NOT_SQL.sub("", sql)))


def check_origin(origin: Origin) -> None:
    """Raise ``ValueError`` when it does not say where rows come from, or a filter is wrong."""
    is_local = bool(origin.sources or origin.files)
    if is_local == (origin.engine == "postgres"):
        raise ValueError('give sources or files, or engine = "postgres", and not both')
    if twice := set(origin.sources) & origin.files.keys():
        raise ValueError(f"files.{min(twice)}: is a source already")
    for name, parameter in origin.parameters.items():
        parameters.check_parameter(name, parameter)


def _iterate_types(folder: Path) -> Iterator[ReportTypeFolder]:
    for place in sorted(folder.iterdir()):
        is_source = (place / "source.toml").is_file()
        if place.is_dir() and not is_source and not place.name.startswith((".", "_")):
            yield _read_type(place)


def _read_type(folder: Path) -> ReportTypeFolder:
    try:
        return _parse_type(folder)
    except (OSError, ValueError) as error:
        raise PermanentError(f"report type {folder.name!r}: {error}") from error


def _parse_type(folder: Path) -> ReportTypeFolder:
    if not _NAME.fullmatch(folder.name):
        raise ValueError("a folder's name is a lower-case letter, then letters, digits, - and _")
    table = tomllib.loads((folder / "report.toml").read_text(encoding="utf-8"))
    definition = msgspec.convert(table, Definition)
    sql = (folder / "report.sql").read_text(encoding="utf-8")
    check_origin(definition.origin)
    _check_bound(definition, sql)
    _check_columns(definition)
    for chart in definition.charts:
        _check_chart(chart)
    return ReportTypeFolder(folder.name, folder, definition, sql)


def _check_bound(definition: Definition, sql: str) -> None:
    """Each filter is bound in report.sql, and nothing is bound that is no filter."""
    names = find_bound_names(sql)
    for name in sorted(names ^ definition.parameters.keys()):
        where = "report.toml has no parameter" if name in names else "report.sql does not use"
        raise ValueError(f"{where} {name!r}")


def _check_columns(definition: Definition) -> None:
    """Names are different, also for those who do not care about capitals."""
    seen: set[str] = set()
    for column in definition.columns:
        if column.unless and column.unless not in definition.parameters:
            raise ValueError(f"column {column.label!r}: unless names no parameter")
        if column.label.casefold() in seen:
            raise ValueError(f"column {column.label!r}: there are two of that name")
        seen.add(column.label.casefold())


def _check_chart(chart: Chart) -> None:
    if bool(chart.series) != (chart.kind == "stacked"):
        raise ValueError(f"chart {chart.title!r}: stacked needs a series, others have none")
