"""Order an export, watch it, list them."""

from typing import Annotated, Any, Literal

import msgspec

from api.http.routing import Answer, Request, Router
from api.jobs import file_mail, records
from api.jobs.orders import JobOrder
from project.records.record import DEFAULT_MAX_RETRIES
from tasks.exports import export_rows, files
from tasks.rendering.definitions import named_queries as library
from tasks.rendering.definitions import report_types
from tasks.rendering.definitions.schema import Origin
from tasks.rendering.follow_up_mail import Mail

PATH = "/exports"
MAX_ATTEMPTS = 20

routes = Router()

library.load_all_queries()  # a source that is wrong keeps the API from starting


class ExportOrder(JobOrder, frozen=True, kw_only=True):
    """An export: all rows of a report ``type``, or of a ``query`` of a ``source``, in one file.

    ``mail`` sends a mail when the file is ready. ``max_retries`` is the maximum number of attempts.
    """

    type: str = ""
    source: str = ""
    query: str = ""
    filters: dict[str, Any] = msgspec.field(default_factory=dict)
    format: Literal["csv", "parquet", "xlsx", "json"] = "csv"
    mail: Mail | None = None
    max_retries: Annotated[int, msgspec.Meta(ge=1, le=MAX_ATTEMPTS)] = DEFAULT_MAX_RETRIES

    @classmethod
    def rules(cls) -> list[dict[str, Any]]:
        """And it is of a type or of a query, each of which has its own filters."""
        kinds = report_types.load_all_types().values()
        types = [build_rule(kind.definition.origin, type=kind.name) for kind in kinds]
        queries = [
            build_rule(one.origin, source=one.source, query=one.name) for one in collect_queries()
        ]
        return [*super().rules(), {"anyOf": types + queries}]


def build_rule(origin: Origin, **named: str) -> dict[str, Any]:
    """What an order of the rows with these names may say."""
    names = {name: {"const": named.get(name, "")} for name in ("type", "source", "query")}
    filters = {"filters": report_types.build_filter_schema(origin)}
    return {"properties": names | filters, "required": list(named)}


def collect_queries() -> list[library.ExportQuery]:
    """Every query of every source."""
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
    """Check what is asked for; with defaults filled in."""
    asked = files.resolve_export(order.filters, order.type, order.source, order.query)
    names = {"type": order.type, "source": order.source, "query": order.query}
    said = {name: text for name, text in names.items() if text}
    wish = file_mail.build_mail_argument(order.mail)
    kwargs = {**said, "filters": asked.filters, "format": order.format, **wish}
    return {"kwargs": kwargs, "max_retries": order.max_retries}


EXPORT = records.JobKind(export_rows, PATH, ExportOrder, build_task_options)


@routes.post(
    PATH,
    body=ExportOrder,
    **records.ORDER_ROUTE,
    summary="Order an export",
    tags=["exports"],
)
async def order_export(request: Request, body: ExportOrder) -> Answer:
    """Check the order and queue it."""
    return await records.accept(EXPORT, body, request)


@routes.get(
    PATH + "/queries",
    answers={200: NamedQueries},
    errors=(),
    summary="List the named queries",
    tags=["exports"],
)
async def list_queries(_: Request) -> Answer:
    """Answer every query with what its filters may be."""
    return Answer(NamedQueries([describe_query(query) for query in collect_queries()]))


def describe_query(query: library.ExportQuery) -> NamedQuery:
    """One query as clients see it."""
    schema = report_types.build_filter_schema(query.origin)
    return NamedQuery(query.source, query.name, query.origin.title, schema)


@routes.get(
    PATH + "/{id}",
    **records.SHOW_ROUTE,
    summary="Show an export's record",
    tags=["exports"],
)
async def show_export(request: Request) -> Answer:
    """Answer the record."""
    return await records.show(EXPORT, request)


@routes.get(
    PATH,
    query=records.ListQuery,
    answers={200: records.TaskList},
    answer_headers={200: {"Link": "The next page (rel=next)."}},
    summary="List exports, newest first",
    tags=["exports"],
)
async def list_exports(request: Request, query: records.ListQuery) -> Answer:
    """Answer a page of records."""
    return await records.show_list(EXPORT, query, request)
