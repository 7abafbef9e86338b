"""Named queries: folders with a source.toml and an SQL file for each query."""

import tomllib
from functools import cache
from pathlib import Path

import msgspec
from msgspec import Struct

from project.errors import InvalidField, PermanentError
from project.settings.values import get_settings
from tasks.rendering.definitions.report_types import check_origin, find_bound_names
from tasks.rendering.definitions.schema import Origin

SOURCES_FOLDER = Path(__file__).parent / "exports"


class ExportQuery(Struct, frozen=True):
    """One SELECT of a source; ``origin`` has the parameters that it binds, and no others."""

    source: str
    name: str
    home: Path
    origin: Origin
    sql: str


type ExportQueries = dict[str, dict[str, ExportQuery]]


@cache
def load_all_queries() -> ExportQueries:
    """Every query by source and name, read and checked once per process.

    Raises ``PermanentError`` for a folder that is no source, and says why.
    """
    own = get_settings().reports_dir
    return load_queries_in(SOURCES_FOLDER) | (load_queries_in(Path(own).resolve()) if own else {})


def find_query(source: object, query: object) -> ExportQuery:
    """The query of this name. ``InvalidField`` names the known ones if it is none."""
    sources = load_all_queries()
    if not isinstance(source, str) or source not in sources:
        raise InvalidField("source", f"must be one of {', '.join(sources)}")
    queries = sources[source]
    if not isinstance(query, str) or query not in queries:
        raise InvalidField("query", f"must be one of {', '.join(queries)}")
    return queries[query]


def load_queries_in(folder: Path) -> ExportQueries:
    """The queries of the sources in ``folder``. ``PermanentError`` names what is wrong."""
    places = sorted(path.parent for path in folder.glob("*/source.toml"))
    return {place.name: _read_source(place) for place in places}


def _read_source(folder: Path) -> dict[str, ExportQuery]:
    try:
        table = tomllib.loads((folder / "source.toml").read_text(encoding="utf-8"))
        origin = msgspec.convert(table, Origin)
        check_origin(origin)
        files = sorted(folder.glob("*.sql"))
        return {file.stem: _read_query(folder, origin, file) for file in files}
    except (OSError, ValueError) as error:
        raise PermanentError(f"source {folder.name!r}: {error}") from error


def _read_query(folder: Path, origin: Origin, file: Path) -> ExportQuery:
    sql = file.read_text(encoding="utf-8")
    names = find_bound_names(sql)
    if unknown := names - origin.parameters.keys():
        raise ValueError(f"{file.name}: source.toml has no parameter {min(unknown)!r}")
    parameters = {name: origin.parameters[name] for name in origin.parameters if name in names}
    own = msgspec.structs.replace(origin, parameters=parameters)
    return ExportQuery(folder.name, file.stem, folder, own, sql)
