"""The routes of exports: order one, show one, list them, list the named queries."""

from typing import Annotated, Any, ClassVar, Literal

import msgspec

from api.http.routing import Answer, Request, Router
from api.jobs import file_mail
from api.jobs.kinds import RouteTexts, build_kind_routes
from api.jobs.orders import JobKind, JobOrder
from project.records.record import DEFAULT_MAX_RETRIES
from tasks.exports import export_rows, files
from tasks.rendering.definitions import named_queries as library
from tasks.rendering.definitions import report_types
from tasks.rendering.definitions.schema import Origin
from tasks.rendering.follow_up_mail import Mail

PATH = "/exports"
MAX_ATTEMPTS = 20

query_routes = Router()

library.load_all_queries()  # a wrong source keeps the API from starting


class ExportOrder(JobOrder, frozen=True, kw_only=True):
    """An export: all rows of a report ``type``, or of a ``query`` of a ``source``, in one file.

    ``mail`` sends a mail when the file is ready. ``max_retries`` is the maximum number of attempts.
    """

    example: ClassVar[dict[str, Any]] = {"source": "flights", "query": "routes", "format": "csv"}

    type: str = ""
    source: str = ""
    query: str = ""
    filters: dict[str, Any] = msgspec.field(default_factory=dict)
    format: Literal["csv", "parquet", "xlsx", "json"] = "csv"
    mail: Mail | None = None
    max_retries: Annotated[int, msgspec.Meta(ge=1, le=MAX_ATTEMPTS)] = DEFAULT_MAX_RETRIES

    @classmethod
    def rules(cls) -> list[dict[str, Any]]:
        """Further JSON Schema of the body: each type and each query has its own filters."""
        kinds = report_types.load_all_types().values()
        types = [build_rule(kind.definition.origin, type=kind.name) for kind in kinds]
        queries = [
            build_rule(one.origin, source=one.source, query=one.name) for one in collect_queries()
        ]
        return [*super().rules(), {"anyOf": types + queries}]


def build_rule(origin: Origin, **named: str) -> dict[str, Any]:
    """The JSON Schema of an order that names this type, or this source and query."""
    names = {name: {"const": named.get(name, "")} for name in ("type", "source", "query")}
    filters = {"filters": report_types.build_filter_schema(origin)}
    return {"properties": names | filters, "required": list(named)}


def collect_queries() -> list[library.ExportQuery]:
    """All named queries of all sources."""
    return [query for queries in library.load_all_queries().values() for query in queries.values()]


class NamedQuery(msgspec.Struct, frozen=True):
    """A named query of a source; ``filters`` is the JSON Schema of its filters."""

    source: str
    query: str
    title: str
    filters: dict[str, Any]


class NamedQueries(msgspec.Struct, frozen=True):
    """All named queries. The rows of every report type can be exported too."""

    queries: list[NamedQuery]


def build_task_options(order: ExportOrder) -> dict[str, Any]:
    """Check the order and fill in the defaults of its filters. Raises ``InvalidField``."""
    asked = files.resolve_export(order.filters, order.type, order.source, order.query)
    names = {"type": order.type, "source": order.source, "query": order.query}
    given = {name: text for name, text in names.items() if text}
    kwargs = {**given, "filters": asked.filters, "format": order.format}
    if order.mail is not None:
        kwargs["mail"] = file_mail.build_mail_argument(order.mail)
    return {"kwargs": kwargs, "max_retries": order.max_retries}


@query_routes.get(
    PATH + "/queries",
    answers={200: NamedQueries},
    errors=(),
    summary="List the named queries",
    tags=["exports"],
)
async def list_queries(_: Request) -> Answer:
    """Answer all named queries with the JSON Schema of their filters."""
    return Answer(NamedQueries([describe_query(query) for query in collect_queries()]))


def describe_query(query: library.ExportQuery) -> NamedQuery:
    """Describe one named query for clients."""
    schema = report_types.build_filter_schema(query.origin)
    return NamedQuery(query.source, query.name, query.origin.title, schema)


EXPORT = JobKind(export_rows, PATH, ExportOrder, build_task_options)

routes = build_kind_routes(
    EXPORT,
    RouteTexts(
        one="export",
        many="exports",
        order_summary="Order an export",
        show_summary="Show an export's record",
        list_summary="List exports, newest first",
    ),
    tag="exports",
    others=query_routes,
)
