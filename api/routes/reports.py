"""The routes of reports: order one, show one, list them, list the types."""

from typing import Annotated, Any, ClassVar

import msgspec

from api.http.routing import Answer, Request, Router
from api.jobs import file_mail
from api.jobs.kinds import RouteTexts, build_kind_routes
from api.jobs.orders import JobKind, JobOrder
from project.records.record import DEFAULT_MAX_RETRIES
from tasks.rendering import regions
from tasks.rendering.definitions import filters, report_types
from tasks.rendering.definitions.schema import Output
from tasks.rendering.follow_up_mail import Mail
from tasks.rendering.regions import Region
from tasks.reports import documents, generate_report

PATH = "/reports"
MAX_ATTEMPTS = 20
DEFAULT_TYPE = "summary"

type_routes = Router()

report_types.load_all_types()  # a wrong type keeps the API from starting


type Outputs = Annotated[
    list[Output], msgspec.Meta(extra_json_schema={"minItems": 1, "uniqueItems": True})
]
type LocaleName = Annotated[str, msgspec.Meta(extra_json_schema={"format": "locale"})]
type CurrencyCode = Annotated[str, msgspec.Meta(extra_json_schema={"format": "currency"})]
type ZoneName = Annotated[str, msgspec.Meta(extra_json_schema={"format": "time-zone"})]


class ReportOrder(JobOrder, frozen=True, kw_only=True):
    """A report to generate; several values of ``format`` make a zip.

    ``archival`` makes the PDF a PDF/A. ``locale`` (``de-CH``), ``currency`` (``EUR``) and ``zone``
    (``Europe/Berlin``) say how pages write numbers, money and times; by default the settings say
    it. ``mail`` sends a mail when the report is ready. ``max_retries`` is the maximum number of
    attempts.
    """

    example: ClassVar[dict[str, Any]] = {
        "type": "monthly",
        "filters": {"department": "engineering", "month": "2026-05"},
        "tags": ["spending"],
    }

    type: str = DEFAULT_TYPE
    filters: dict[str, Any] = msgspec.field(default_factory=dict)
    format: Output | Outputs = "pdf"
    archival: bool = False
    locale: LocaleName | None = None
    currency: CurrencyCode | None = None
    zone: ZoneName | None = None
    mail: Mail | None = None
    max_retries: Annotated[int, msgspec.Meta(ge=1, le=MAX_ATTEMPTS)] = DEFAULT_MAX_RETRIES

    @classmethod
    def rules(cls) -> list[dict[str, Any]]:
        """Further JSON Schema of the body: each type has its own filters."""
        return [
            *super().rules(),
            {"anyOf": [build_rule(kind) for kind in report_types.load_all_types().values()]},
        ]


def build_rule(kind: report_types.ReportTypeFolder) -> dict[str, Any]:
    """The JSON Schema of an order of one type; the default type may be left out."""
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
    """Check the order and fill in the defaults of its filters. Raises ``InvalidField``."""
    checked = filters.check_filters(order.type, order.filters)
    kwargs: dict[str, Any] = {"type": order.type, "filters": checked}
    if order.format != "pdf":
        outputs = [order.format] if isinstance(order.format, str) else order.format
        documents.check_outputs(outputs)
        kwargs["format"] = order.format
    if order.archival:
        kwargs["archival"] = True
    given = {name: getattr(order, name) for name in ("locale", "currency", "zone")}
    if region := {name: value for name, value in given.items() if value}:
        regions.check_region(Region(**region))
        kwargs["region"] = region
    if order.mail is not None:
        kwargs["mail"] = file_mail.build_mail_argument(order.mail)
    return {"kwargs": kwargs, "max_retries": order.max_retries}


@type_routes.get(
    PATH + "/types",
    answers={200: ReportTypes},
    errors=(),
    summary="List what can be reported on",
    tags=["reports"],
)
async def list_types(_: Request) -> Answer:
    """Answer all types with the JSON Schema of their filters."""
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


REPORT = JobKind(generate_report, PATH, ReportOrder, build_task_options)

routes = build_kind_routes(
    REPORT,
    RouteTexts(
        one="report",
        many="reports",
        order_summary="Order a report",
        show_summary="Show a report's record",
        list_summary="List reports, newest first",
    ),
    tag="reports",
    others=type_routes,
)
