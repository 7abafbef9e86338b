"""Named queries for exports: folders with a source.toml and one SQL file per query."""

import tomllib
from functools import cache
from pathlib import Path

import msgspec
from msgspec import Struct

from project.errors import InvalidField, PermanentError
from tasks.rendering.definitions.report_types import check_origin, find_bound_names
from tasks.rendering.definitions.schema import Origin
from tasks.rendering.settings import get_rendering_settings

SOURCES_FOLDER = Path(__file__).parent / "exports"


class ExportQuery(Struct, frozen=True):
    """One SELECT of a source; ``origin.parameters`` holds only the parameters it binds."""

    source: str
    name: str
    home: Path
    origin: Origin
    sql: str


type ExportQueries = dict[str, dict[str, ExportQuery]]


@cache
def load_all_queries() -> ExportQueries:
    """Load and check every query once per process: ours and those of REPORTS_DIR.

    Returns them by source and name. Raises ``PermanentError`` for an invalid source.
    """
    folder = get_rendering_settings().reports_dir
    own_queries = load_queries_in(Path(folder).resolve()) if folder else {}
    return load_queries_in(SOURCES_FOLDER) | own_queries


def list_queries() -> list[ExportQuery]:
    """All named queries of all sources."""
    return [query for queries in load_all_queries().values() for query in queries.values()]


def find_query(source: object, query: object) -> ExportQuery:
    """Return a query by name. Raises ``InvalidField`` with the known names if there is none."""
    sources = load_all_queries()
    if not isinstance(source, str) or source not in sources:
        raise InvalidField("source", f"must be one of {', '.join(sources)}")
    queries = sources[source]
    if not isinstance(query, str) or query not in queries:
        raise InvalidField("query", f"must be one of {', '.join(queries)}")
    return queries[query]


def load_queries_in(folder: Path) -> ExportQueries:
    """Load the sources in ``folder``. Raises ``PermanentError`` with the source and the reason."""
    folders = sorted(path.parent for path in folder.glob("*/source.toml"))
    return {source.name: _read_source(source) for source in folders}


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
    own_origin = msgspec.structs.replace(origin, parameters=parameters)
    return ExportQuery(folder.name, file.stem, folder, own_origin, sql)
