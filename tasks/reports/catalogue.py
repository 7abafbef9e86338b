"""The report types: the folders in ``types/``, each a report.toml and a report.sql."""

import re
import tomllib
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from project.errors import InvalidField, PermanentError
from tasks.reports import parameters
from tasks.reports.press.orders import Definition

TYPES = Path(__file__).parent / "types"

_NAME = re.compile(r"[a-z][a-z0-9_-]{0,39}")
_BOUND = re.compile(r"\$([a-z_][a-z0-9_]*)")
_COMMENT = re.compile(r"--[^\n]*")


class ReportType(Struct, frozen=True):
    """One folder: its name, what report.toml says, the text of report.sql."""

    name: str
    definition: Definition
    sql: str


@cache
def known() -> dict[str, ReportType]:
    """Every type by name, read and checked once per process."""
    return loaded(TYPES)


def find(report_type: object) -> ReportType:
    """The type of this name. ``InvalidField`` on ``type`` names the known ones if it is none."""
    types = known()
    if not isinstance(report_type, str) or report_type not in types:
        raise InvalidField("type", f"must be one of {', '.join(types)}")
    return types[report_type]


def describe() -> list[dict[str, Any]]:
    """Each type as ``{type, title, description, filters}``; ``filters`` is a JSON Schema."""
    return [
        {
            "type": kind.name,
            "title": kind.definition.title,
            "description": kind.definition.description,
            "filters": _schema(kind.definition),
        }
        for kind in known().values()
    ]


def loaded(folder: Path) -> dict[str, ReportType]:
    """The types in ``folder``. ``PermanentError`` names the file that is wrong and why."""
    kinds = (_read(path.parent) for path in sorted(folder.glob("*/report.toml")))
    return {kind.name: kind for kind in kinds}


def _read(folder: Path) -> ReportType:
    try:
        return _checked(folder)
    except (OSError, ValueError) as error:
        raise PermanentError(f"report type {folder.name!r}: {error}") from error


def _checked(folder: Path) -> ReportType:
    if not _NAME.fullmatch(folder.name):
        raise ValueError("a folder's name is a lower-case letter, then letters, digits, - and _")
    table = tomllib.loads((folder / "report.toml").read_text(encoding="utf-8"))
    definition = msgspec.convert(table, Definition)
    sql = (folder / "report.sql").read_text(encoding="utf-8")
    _check_bound(definition, sql)
    for name, parameter in definition.parameters.items():
        parameters.check(name, parameter)
    return ReportType(folder.name, definition, sql)


def _check_bound(definition: Definition, sql: str) -> None:
    """Each filter is bound in report.sql, and nothing is bound that is no filter."""
    bound = set(_BOUND.findall(_COMMENT.sub("", sql)))
    for name in sorted(bound ^ definition.parameters.keys()):
        where = "report.toml has no parameter" if name in bound else "report.sql does not use"
        raise ValueError(f"{where} {name!r}")
    for column in definition.columns:
        if column.unless and column.unless not in definition.parameters:
            raise ValueError(f"column {column.label!r}: unless names no parameter")


def _schema(definition: Definition) -> dict[str, Any]:
    items = definition.parameters.items()
    return {
        "type": "object",
        "properties": {name: parameters.schema(parameter) for name, parameter in items},
        "required": [name for name, parameter in items if parameter.required],
        "additionalProperties": False,
    }
