"""The routes of typed kinds: those declared with ``@app.task(http="/invoices")``.

Body, answers and texts follow from the function: its types, its name and its docstring.
"""

import re
from functools import cache, partial
from typing import Annotated, Any, NamedTuple, cast

import msgspec

from api.http.routing import Router
from api.jobs.kinds import ORDERED_KINDS, RouteTexts, build_kind_routes
from api.jobs.orders import JobKind, JobOrder
from project.celery import app
from project.errors import InvalidKind
from project.job.task import Job
from project.payload.payload import Payload, camel
from project.records.record import ShownTask, TaskRecord

OTHER_PATHS = frozenset(
    {
        *("/artifacts", "/bounces", "/breakers", "/console", "/docs", "/errors", "/events"),
        *("/health", "/history", "/kinds", "/limits", "/me", "/metrics", "/outbox", "/outboxes"),
        *("/queue", "/queues", "/suppressions", "/switches", "/system", "/tasks", "/u"),
        *("/openapi.json", "/callbacks", "/emails", "/reports", "/exports", "/webhooks"),
        *("/s", "/schedules", "/workers", "/workflows", "/batches"),
    }
)
"""The first parts of the paths of the platform."""

ORDER_FIELDS = frozenset(JobOrder.__struct_encode_fields__) | {"kind"}


SHIPPED_MODULES = frozenset({"tasks.reports", "tasks.exports", "tasks.webhooks"})
"""The modules of the typed kinds that come with the platform."""

MAX_ATTEMPTS = 20
"""The most attempts that an order can ask for, unless its kind has more by itself."""


class TypedKind(NamedTuple):
    """A typed kind with the types of its order and of its records."""

    kind: JobKind
    record: type[TaskRecord]
    shown: type[TaskRecord]
    texts: RouteTexts


@cache
def collect_typed_kinds() -> dict[str, TypedKind]:
    """All typed kinds with a path, by name. Raises ``InvalidKind``."""
    app.loader.import_default_modules()
    app.finalize()
    tasks = (app.tasks[name] for name in sorted(app.tasks))
    return {task.name: build_typed_kind(task) for task in tasks if task.offer.path}


def check_typed_kinds() -> None:
    """Raise ``InvalidKind`` for one that cannot be offered. Shipped kinds have their routes."""
    typed = collect_typed_kinds().values()
    own = [each.kind for each in typed if not is_shipped(each.kind.task)]
    paths = {kind.path for kind in ORDERED_KINDS.values()} | OTHER_PATHS
    for kind in own:
        if kind.path in paths or f"/{kind.path.split('/')[1]}" in OTHER_PATHS:
            raise InvalidKind(f"kind {kind.task.name}: the path {kind.path} is taken")
        paths.add(kind.path)


def is_shipped(task: Job) -> bool:
    """Whether a kind comes with the platform."""
    return str(task.__module__) in SHIPPED_MODULES


def build_typed_router() -> Router:
    """The routes of all typed kinds."""
    routes = Router()
    for typed in collect_typed_kinds().values():
        tag = typed.kind.path.removeprefix("/")
        offered = build_kind_routes(
            typed.kind, typed.texts, tag=tag, record=typed.record, shown=typed.shown
        )
        routes.include(offered)
    return routes


def build_typed_kind(task: Job) -> TypedKind:
    """A kind from its task. Raises ``InvalidKind``."""
    payload, path = task.payload, task.offer.path
    if payload is None or not re.fullmatch(r"(/[a-z0-9_-]+)+", path):
        raise InvalidKind(f"kind {task.name}: {path!r} is not a path such as /invoices")
    name = camel(task.name)
    body = build_body(f"{name}Order", task, payload)
    word, text = re.sub(r"\W", "_", task.name), (task.__doc__ or "").partition("\n")[0].strip()
    return TypedKind(
        JobKind(task, path, body, partial(build_task_options, payload)),
        build_record(f"{name}Record", TaskRecord, payload),
        build_record(f"Shown{name}Record", ShownTask, payload),
        RouteTexts(
            one=word,
            many=f"{word}s",
            order_summary=text.rstrip(".") or f"Order a job of the kind {task.name}",
            show_summary=f"Show a record of the kind {task.name}",
            list_summary=f"List {path.removeprefix('/')}, newest first",
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
    if "max_retries" not in names:
        fields.append(build_attempts_field(task))
    body = msgspec.defstruct(
        name,
        fields,
        bases=(JobOrder,),
        frozen=True,
        kw_only=True,
        module=__name__,
        namespace=describe_body(task),
    )
    return cast("type[JobOrder]", body)


def build_attempts_field(task: Job) -> tuple[str, Any, Any]:
    """The field ``max_retries``: the maximum number of attempts."""
    usual = task.get_max_attempts()
    bounds = msgspec.Meta(
        ge=1, le=max(usual, MAX_ATTEMPTS), description="The maximum number of attempts."
    )
    return "max_retries", Annotated[int, bounds], msgspec.field(default=usual)


def describe_body(task: Job) -> dict[str, Any]:
    """What the type of a body says beside its fields."""
    offer = task.offer
    about: dict[str, Any] = {"__doc__": task.__doc__ or JobOrder.__doc__}
    if offer.example is not None:
        about["example"] = offer.example
    if offer.keeps_decimals:
        about["keeps_decimals"] = True
    if build_rules := offer.build_rules:
        about["rules"] = classmethod(lambda _: [*JobOrder.rules(), *build_rules()])
    return about


def build_record(name: str, base: type[TaskRecord], payload: Payload) -> type[TaskRecord]:
    """The type of a record, with the type of its result."""
    if payload.result in (Any, None, type(None), dict[str, Any]):
        return base
    fields = [("result", payload.result | None, None)]
    about = {"__doc__": base.__doc__}
    record = msgspec.defstruct(
        name, fields, bases=(base,), frozen=True, kw_only=True, module=__name__, namespace=about
    )
    return cast("type[TaskRecord]", record)


def build_task_options(payload: Payload, order: JobOrder) -> dict[str, Any]:
    """The arguments of the job that an order asks for. Raises ``InvalidField``."""
    options = {"kwargs": payload.dump_order(order)}
    if "max_retries" in payload.attributes:
        return options
    return options | {"max_retries": getattr(order, "max_retries", None)}
