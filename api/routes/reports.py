"""Order a report, watch it, list them."""

from typing import Annotated, Any

import msgspec

from api.http.routing import Answer, Request, Router
from api.jobs import file_mail, records
from api.jobs.orders import JobOrder
from project.records.record import DEFAULT_MAX_RETRIES
from tasks.rendering.definitions import filters, report_types
from tasks.rendering.definitions.schema import Output
from tasks.rendering.follow_up_mail import Mail
from tasks.reports import documents, generate_report

PATH = "/reports"
MAX_ATTEMPTS = 20
DEFAULT_TYPE = "summary"

routes = Router()

report_types.load_all_types()  # a type that is wrong keeps the API from starting


type Outputs = Annotated[
    list[Output], msgspec.Meta(extra_json_schema={"minItems": 1, "uniqueItems": True})
]


class ReportOrder(JobOrder, frozen=True, kw_only=True):
    """A report to generate; several values of ``format`` make a zip.

    ``archival`` makes the PDF a PDF/A. ``mail`` sends a mail when the report is ready.
    ``max_retries`` is the maximum number of attempts.
    """

    type: str = DEFAULT_TYPE
    filters: dict[str, Any] = msgspec.field(default_factory=dict)
    format: Output | Outputs = "pdf"
    archival: bool = False
    mail: Mail | None = None
    max_retries: Annotated[int, msgspec.Meta(ge=1, le=MAX_ATTEMPTS)] = DEFAULT_MAX_RETRIES

    @classmethod
    def rules(cls) -> list[dict[str, Any]]:
        """And each type has its own filters."""
        return [
            *super().rules(),
            {"anyOf": [build_rule(kind) for kind in report_types.load_all_types().values()]},
        ]


def build_rule(kind: report_types.ReportTypeFolder) -> dict[str, Any]:
    """What an order of one type may say; the type can be left out for the default one."""
    required = {} if kind.name == DEFAULT_TYPE else {"required": ["type"]}
    filters_of = report_types.build_filter_schema(kind.definition.origin)
    return {"properties": {"type": {"const": kind.name}, "filters": filters_of}, **required}


class ReportType(msgspec.Struct, frozen=True):
    """A report type; ``filters`` is the JSON Schema of its filters."""

    type: str
    title: str
    description: str
    filters: dict[str, Any]
    formats: list[str]


class ReportTypes(msgspec.Struct, frozen=True):
    """All report types."""

    types: list[ReportType]


def build_task_options(order: ReportOrder) -> dict[str, Any]:
    """Check the filters against the report's own; with its defaults filled in."""
    checked = filters.check_filters(order.type, order.filters)
    kwargs: dict[str, Any] = {"type": order.type, "filters": checked}
    if order.format != "pdf":
        outputs = [order.format] if isinstance(order.format, str) else order.format
        documents.check_outputs(outputs)
        kwargs["format"] = order.format
    if order.archival:
        kwargs["archival"] = True
    kwargs |= file_mail.build_mail_argument(order.mail)
    return {"kwargs": kwargs, "max_retries": order.max_retries}


REPORT = records.JobKind(generate_report, PATH, ReportOrder, build_task_options)


@routes.post(
    PATH,
    body=ReportOrder,
    **records.ORDER_ROUTE,
    summary="Order a report",
    tags=["reports"],
)
async def order_report(request: Request, body: ReportOrder) -> Answer:
    """Check the order and queue it."""
    return await records.accept(REPORT, body, request)


@routes.get(
    PATH + "/types",
    answers={200: ReportTypes},
    errors=(),
    summary="List what can be reported on",
    tags=["reports"],
)
async def list_types(_: Request) -> Answer:
    """Answer every type with what its filters may be."""
    return Answer(
        ReportTypes([describe_type(kind) for kind in report_types.load_all_types().values()])
    )


def describe_type(kind: report_types.ReportTypeFolder) -> ReportType:
    """One type as clients see it."""
    definition = kind.definition
    return ReportType(
        type=kind.name,
        title=definition.title,
        description=definition.description,
        filters=report_types.build_filter_schema(definition.origin),
        formats=list(documents.OUTPUTS),
    )


@routes.get(
    PATH + "/{id}",
    **records.SHOW_ROUTE,
    summary="Show a report's record",
    tags=["reports"],
)
async def show_report(request: Request) -> Answer:
    """Answer the record."""
    return await records.show(REPORT, request)


@routes.get(
    PATH,
    query=records.ListQuery,
    answers={200: records.TaskList},
    answer_headers={200: {"Link": "The next page (rel=next)."}},
    summary="List reports, newest first",
    tags=["reports"],
)
async def list_reports(request: Request, query: records.ListQuery) -> Answer:
    """Answer a page of records."""
    return await records.show_list(REPORT, query, request)
