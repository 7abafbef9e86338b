"""The routes of typed kinds: those declared with ``@app.task(http="/invoices")``.

Body, answers and texts follow from the function: its types, its name and its docstring.
"""

import re
from collections.abc import Iterable
from functools import cache, partial
from typing import Any, NamedTuple, cast

import msgspec

from api.http.routing import Router
from api.jobs.kinds import RouteTexts, build_kind_routes
from api.jobs.orders import JobKind, JobOrder
from project.celery import app
from project.errors import ContinuoError, InvalidField
from project.job.task import Job
from project.payload.payload import Payload, camel
from project.records.record import ShownTask, TaskRecord

ORDER_FIELDS = frozenset(JobOrder.__struct_encode_fields__) | {"kind"}


class WrongKind(ContinuoError):
    """A kind cannot be offered over HTTP as it is declared."""


class TypedKind(NamedTuple):
    """A typed kind with the types of its order and of its records."""

    kind: JobKind
    record: type[TaskRecord]
    shown: type[TaskRecord]
    texts: RouteTexts


@cache
def collect_typed_kinds() -> dict[str, TypedKind]:
    """All typed kinds with a path, by name. Raises ``WrongKind``."""
    tasks = (app.tasks[name] for name in sorted(app.tasks))
    return {task.name: build_typed_kind(task) for task in tasks if getattr(task, "http", "")}


def build_typed_router(taken: Iterable[str] = ()) -> Router:
    """The routes of all typed kinds. Raises ``WrongKind`` for a path that is ``taken``."""
    routes, paths = Router(), set(taken)
    for name, typed in collect_typed_kinds().items():
        if typed.kind.path in paths:
            raise WrongKind(f"kind {name}: the path {typed.kind.path} is taken")
        paths.add(typed.kind.path)
        offered = build_kind_routes(
            typed.kind, typed.texts, tag=name, record=typed.record, shown=typed.shown
        )
        routes.include(offered)
    return routes


def build_typed_kind(task: Job) -> TypedKind:
    """A kind from its task. Raises ``WrongKind``."""
    payload = task.payload
    if payload is None or not re.fullmatch(r"(/[a-z0-9_-]+)+", task.http):
        raise WrongKind(f"kind {task.name}: {task.http!r} is not a path such as /invoices")
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
    """The type of the body: what every order may say, and the payload. Raises ``WrongKind``."""
    if both := sorted(ORDER_FIELDS.intersection(field.name for field in payload.fields)):
        raise WrongKind(
            f"kind {task.name}: {both[0]} is a field of every order; choose another name"
        )
    fields = [tuple(field) for field in payload.fields]
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
        field.name: value
        for field in payload.fields
        if (value := getattr(order, field.name)) is not msgspec.UNSET
    }
    named = {payload.wrapper: said} if payload.wrapper else said
    try:
        return {"kwargs": payload.dump((), named)}
    except InvalidField as problem:
        field = problem.field.removeprefix(f"{payload.wrapper}.")
        raise InvalidField(field, problem.problem) from None
