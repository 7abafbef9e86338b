"""Order a report, watch it, list them."""

from typing import Annotated, Any

import msgspec

from api import jobs
from api.edge import Answer, Request, Router
from api.orders import Order
from project.records import DEFAULT_MAX_RETRIES
from tasks.reports import catalogue, filters, generate_report

PATH = "/reports"
MOST_ATTEMPTS = 20
DEFAULT_TYPE = "summary"

routes = Router()


class ReportOrder(Order, frozen=True, kw_only=True):
    """What to report on. ``max_retries`` is the most attempts the job gets."""

    type: str = DEFAULT_TYPE
    filters: dict[str, Any] = msgspec.field(default_factory=dict)
    max_retries: Annotated[int, msgspec.Meta(ge=1, le=MOST_ATTEMPTS)] = DEFAULT_MAX_RETRIES

    @classmethod
    def rules(cls) -> list[dict[str, Any]]:
        """And each type has its own filters."""
        return [*super().rules(), {"anyOf": [rule(about) for about in catalogue.describe()]}]


def rule(about: dict[str, Any]) -> dict[str, Any]:
    """What an order of one type may say; the type can be left out for the default one."""
    name = about["type"]
    required = {} if name == DEFAULT_TYPE else {"required": ["type"]}
    return {"properties": {"type": {"const": name}, "filters": about["filters"]}, **required}


def call(order: ReportOrder) -> dict[str, Any]:
    """Check the filters against the report's own; with its defaults filled in."""
    checked = filters.check(order.type, order.filters)
    kwargs = {"type": order.type, "filters": checked}
    return {"kwargs": kwargs, "max_retries": order.max_retries}


REPORT = jobs.Kind(generate_report, PATH, ReportOrder, call)


@routes.post(
    PATH,
    body=ReportOrder,
    **jobs.ORDER,
    summary="Order a report",
    tags=["reports"],
)
async def order_report(request: Request, body: ReportOrder) -> Answer:
    """Check the order and queue it."""
    return await jobs.accept(REPORT, body, request)


@routes.get(
    PATH + "/{id}",
    **jobs.SHOW,
    summary="Show a report's record",
    tags=["reports"],
)
async def show_report(request: Request) -> Answer:
    """Answer the record."""
    return await jobs.show(REPORT, request)


@routes.get(
    PATH,
    query=jobs.ListQuery,
    answers={200: jobs.TaskList},
    answer_headers={200: {"Link": "The next page (rel=next)."}},
    summary="List reports, newest first",
    tags=["reports"],
)
async def list_reports(request: Request, query: jobs.ListQuery) -> Answer:
    """Answer a page of records."""
    return await jobs.show_list(REPORT, query, request)
