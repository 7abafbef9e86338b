"""The routes of typed kinds: those declared with ``@app.task(http="/invoices")``.

Body, answers and texts follow from the function: its types, its name and its docstring.
"""

import re
from functools import cache, partial
from typing import Any, NamedTuple, cast

import msgspec

from api.http.routing import Router
from api.jobs.kinds import ORDERED_KINDS, RouteTexts, build_kind_routes
from api.jobs.orders import JobKind, JobOrder
from project.celery import app
from project.errors import InvalidField, InvalidKind
from project.job.task import Job
from project.payload.payload import Payload, camel
from project.records.record import ShownTask, TaskRecord

OTHER_PATHS = frozenset(
    {
        *("/artifacts", "/bounces", "/console", "/docs", "/events", "/health", "/kinds", "/me"),
        *("/limits",),
        *("/metrics", "/outbox", "/queue", "/queues", "/suppressions", "/tasks", "/u", "/workers"),
        *("/openapi.json", "/callbacks", "/emails", "/reports", "/exports", "/webhooks"),
        "/schedules",
    }
)
"""The first parts of the paths of the platform."""

ORDER_FIELDS = frozenset(JobOrder.__struct_encode_fields__) | {"kind"}


class TypedKind(NamedTuple):
    """A typed kind with the types of its order and of its records."""

    kind: JobKind
    record: type[TaskRecord]
    shown: type[TaskRecord]
    texts: RouteTexts


@cache
def collect_typed_kinds() -> dict[str, TypedKind]:
    """All typed kinds with a path, by name. Raises ``InvalidKind``."""
    app.finalize()
    tasks = (app.tasks[name] for name in sorted(app.tasks))
    return {task.name: build_typed_kind(task) for task in tasks if getattr(task, "http", "")}


def check_typed_kinds() -> None:
    """Raise ``InvalidKind`` for one that cannot be offered. Shipped kinds have their routes."""
    paths = {kind.path for kind in ORDERED_KINDS.values()} | OTHER_PATHS
    for name, typed in collect_typed_kinds().items():
        path = f"/{typed.kind.path.split('/')[1]}"
        if typed.kind.path in paths or path in OTHER_PATHS:
            raise InvalidKind(f"kind {name}: the path {typed.kind.path} is taken")
        paths.add(typed.kind.path)


def build_typed_router() -> Router:
    """The routes of all typed kinds."""
    routes = Router()
    for name, typed in collect_typed_kinds().items():
        offered = build_kind_routes(
            typed.kind, typed.texts, tag=name, record=typed.record, shown=typed.shown
        )
        routes.include(offered)
    return routes


def build_typed_kind(task: Job) -> TypedKind:
    """A kind from its task. Raises ``InvalidKind``."""
    payload = task.payload
    if payload is None or not re.fullmatch(r"(/[a-z0-9_-]+)+", task.http):
        raise InvalidKind(f"kind {task.name}: {task.http!r} is not a path such as /invoices")
    name = camel(task.name)
    body = build_body(f"{name}Order", task, payload)
    word, text = re.sub(r"\W", "_", task.name), (task.__doc__ or "").partition("\n")[0].strip()
    return TypedKind(
        JobKind(task, task.http, body, partial(build_task_options, payload)),
        build_record(f"{name}Record", TaskRecord, payload),
        build_record(f"Shown{name}Record", ShownTask, payload),
        RouteTexts(
            one=word,
            many=f"{word}s",
            order_summary=text.rstrip(".") or f"Order a job of the kind {task.name}",
            show_summary=f"Show a record of the kind {task.name}",
            list_summary=f"List the records of the kind {task.name}, newest first",
        ),
    )


def build_body(name: str, task: Job, payload: Payload) -> type[JobOrder]:
    """The type of the body: what every order may say, and the payload. Raises ``InvalidKind``."""
    names = {name for field in payload.fields for name in (field.name, field.encode_name)}
    if both := sorted(ORDER_FIELDS & names):
        raise InvalidKind(
            f"kind {task.name}: {both[0]} is a field of every order; choose another name"
        )
    fields = [field.definition for field in payload.fields]
    about = {"__doc__": task.__doc__ or JobOrder.__doc__}
    body = msgspec.defstruct(
        name,
        fields,
        bases=(JobOrder,),
        frozen=True,
        kw_only=True,
        module=__name__,
        namespace=about,
    )
    return cast("type[JobOrder]", body)


def build_record(name: str, base: type[TaskRecord], payload: Payload) -> type[TaskRecord]:
    """The type of a record, with the type of its result."""
    if payload.result in (Any, None, type(None)):
        return base
    fields = [("result", payload.result | None, None)]
    about = {"__doc__": base.__doc__}
    record = msgspec.defstruct(
        name, fields, bases=(base,), frozen=True, kw_only=True, module=__name__, namespace=about
    )
    return cast("type[TaskRecord]", record)


def build_task_options(payload: Payload, order: JobOrder) -> dict[str, Any]:
    """The arguments of the job that an order asks for. Raises ``InvalidField``."""
    said = {
        field.encode_name: value
        for field in payload.fields
        if (value := getattr(order, field.name)) is not msgspec.UNSET
    }
    named = {payload.wrapper: said} if payload.wrapper else said
    try:
        return {"kwargs": payload.dump((), named)}
    except InvalidField as problem:
        field = problem.field.removeprefix(f"{payload.wrapper}.")
        raise InvalidField(field, problem.problem) from None
