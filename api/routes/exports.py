"""The route that lists the named queries. The kind ``export`` has the others."""

from typing import Any

import msgspec

from api.http.routing import Answer, Request, Router
from tasks.exports import PATH
from tasks.rendering.definitions import named_queries as library
from tasks.rendering.definitions import report_types

routes = Router()

library.load_all_queries()  # a wrong source keeps the API from starting


class NamedQuery(msgspec.Struct, frozen=True):
    """A named query of a source; ``filters`` is the JSON Schema of its filters."""

    source: str
    query: str
    title: str
    filters: dict[str, Any]


class NamedQueries(msgspec.Struct, frozen=True):
    """All named queries. The rows of every report type can be exported too."""

    queries: list[NamedQuery]


@routes.get(
    PATH + "/queries",
    answers={200: NamedQueries},
    errors=(),
    summary="List the named queries",
    tags=["exports"],
)
async def list_queries(_: Request) -> Answer:
    """Answer all named queries with the JSON Schema of their filters."""
    return Answer(NamedQueries([describe_query(query) for query in library.list_queries()]))


def describe_query(query: library.ExportQuery) -> NamedQuery:
    """Describe one named query for clients."""
    schema = report_types.build_filter_schema(query.origin)
    return NamedQuery(query.source, query.name, query.origin.title, schema)
