"""The routes of a kind of job: order one, show one, list them."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple, TypedDict

from api.http.routing import Router
from api.jobs import orders, waiting
from api.jobs.orders import JobKind, order_job
from api.jobs.records import ListQuery, TaskList, list_jobs, show_job
from project.errors import InvalidField
from project.records.record import ShownTask, TaskRecord
from project.settings.api_keys import KIND_SCOPE


class SharedRouteOptions(TypedDict):
    """The options that all routes of one sort share."""

    answers: Mapping[int, Any]
    errors: Sequence[int]
    request_headers: Mapping[str, str]
    answer_headers: Mapping[int, Mapping[str, str]]


ORDER_ROUTE: SharedRouteOptions = {
    "answers": {200: TaskRecord, 202: TaskRecord},
    "errors": (409, 429, 503),
    "request_headers": orders.REQUEST_HEADERS | waiting.REQUEST_HEADERS,
    "answer_headers": {
        202: orders.ANSWER_HEADERS | waiting.ANSWER_HEADERS,
        200: {"Location": "The record: of the job that ended, or of the one with the unique key."}
        | orders.REPLAYED
        | waiting.ANSWER_HEADERS,
    },
}
"""The options of every route that takes an order."""

SHOW_ROUTE: SharedRouteOptions = {
    "answers": {200: ShownTask},
    "errors": (404, 503),
    "request_headers": waiting.REQUEST_HEADERS,
    "answer_headers": {
        200: {"Retry-After": "Seconds until to ask again; not when it is final."}
        | waiting.ANSWER_HEADERS
    },
}
"""The options of every route that shows a record."""


ORDERED_KINDS: dict[str, JobKind] = {}
"""The kinds that can be ordered over HTTP, by name: those with routes of their own."""


def kind_of(order: Mapping[str, Any]) -> JobKind:
    """The kind that an order among others names. Raises ``InvalidField``."""
    name = order.get("kind")
    if not isinstance(name, str) or name not in ORDERED_KINDS:
        raise InvalidField("kind", f"must be one of: {', '.join(sorted(ORDERED_KINDS))}")
    return ORDERED_KINDS[name]


class RouteTexts(NamedTuple):
    """The names of a kind in the OpenAPI document: ``one`` and ``many`` make operation ids."""

    one: str
    many: str
    order_summary: str
    show_summary: str
    list_summary: str


def build_kind_routes(
    kind: JobKind,
    texts: RouteTexts,
    *,
    tag: str,
    others: Router | None = None,
    record: type[TaskRecord] = TaskRecord,
    shown: type[TaskRecord] = ShownTask,
) -> Router:
    """The routes ``POST path``, ``GET path/{id}`` and ``GET path`` of a kind.

    ``others`` are further routes under the path; the OpenAPI document lists them after the order.
    ``record`` and ``shown`` are the types of the answers in that document.
    """
    ORDERED_KINDS[kind.task.name] = kind._replace(summary=texts.order_summary)
    routes, tags = Router(), [tag]
    order = partial(order_job, kind)
    show = partial(show_job, kind=kind.task.name)
    show_page = partial(list_jobs, kind.task.name, kind.path)
    routes.post(
        kind.path,
        body=kind.body,
        **(ORDER_ROUTE | {"answers": {200: record, 202: record}}),
        scope=KIND_SCOPE + kind.task.name,
        operation=f"order_{texts.one}",
        summary=texts.order_summary,
        tags=tags,
    )(order)
    routes.include(others or Router())
    routes.get(
        kind.path + "/{id}",
        **(SHOW_ROUTE | {"answers": {200: shown}}),
        operation=f"show_{texts.one}",
        summary=texts.show_summary,
        tags=tags,
    )(show)
    routes.get(
        kind.path,
        query=ListQuery,
        answers={200: TaskList},
        answer_headers={200: {"Link": "The next page (rel=next)."}},
        operation=f"list_{texts.many}",
        summary=texts.list_summary,
        tags=tags,
    )(show_page)
    return routes
