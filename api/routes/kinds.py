"""The routes of the kinds of job: the schemas of their orders and results, and how they do."""

from typing import Any

import msgspec

from api.docs.openapi import refine_schema
from api.http.routing import Answer, Request, Router
from api.jobs.kinds import ORDERED_KINDS
from api.jobs.orders import JobKind
from api.jobs.typed_kinds import ORDER_FIELDS
from project.celery import app
from project.payload.schemas import build_schema
from project.records.kind_counts import KindCounts, count_kinds
from project.store.commands import statistics

PATH = "/kinds"

routes = Router()


class OfferedKind(msgspec.Struct, frozen=True):
    """A kind. ``order`` is the JSON Schema of the body of ``POST path``.

    ``fields`` are the names of the payload in it; the others are those of every order. ``result``
    is the JSON Schema of the result, and allows anything when the kind does not say.
    """

    kind: str
    path: str
    summary: str
    fields: list[str]
    order: dict[str, Any]
    result: dict[str, Any]


class OfferedKinds(msgspec.Struct, frozen=True):
    """All kinds that can be ordered over HTTP, by name."""

    kinds: list[OfferedKind]


class KindCountsList(msgspec.Struct, frozen=True):
    """All kinds that have or had jobs, by name; also those that cannot be ordered over HTTP."""

    kinds: list[KindCounts]


@routes.get(
    PATH,
    answers={200: OfferedKinds},
    errors=(),
    summary="List the kinds that can be ordered",
    tags=["kinds"],
)
async def list_kinds(_: Request) -> Answer:
    """Answer all kinds that have routes of their own."""
    kinds = [kind for _, kind in sorted(ORDERED_KINDS.items())]
    return Answer(OfferedKinds([describe_kind(kind) for kind in kinds]))


@routes.get(
    PATH + "/counts",
    cross_tenant=True,
    answers={200: KindCountsList},
    summary="Count the jobs of each kind, and how long they wait and run",
    tags=["kinds"],
)
async def count_jobs_of_kinds(_: Request) -> Answer:
    """Answer the counts; the cost depends on how many kinds and queues there are, not jobs."""
    counters = await app.async_store.run(statistics.read_counters())
    return Answer(KindCountsList(count_kinds(counters.queue_stats)))


def describe_kind(kind: JobKind) -> OfferedKind:
    """A kind as clients see it."""
    payload = kind.task.payload
    return OfferedKind(
        kind=kind.task.name,
        path=kind.path,
        summary=kind.summary,
        fields=list_payload_fields(kind),
        order=describe_order(kind),
        result=describe_type(payload.result if payload else Any),
    )


def list_payload_fields(kind: JobKind) -> list[str]:
    """The names of the fields that not every order has."""
    if kind.task.payload:
        return [field.encode_name for field in kind.task.payload.fields]
    return [name for name in kind.body.__struct_encode_fields__ if name not in ORDER_FIELDS]


def describe_order(kind: JobKind) -> dict[str, Any]:
    """The JSON Schema of the body of an order, with its rules and its example."""
    schema = describe_type(kind.body)
    own = schema["$defs"][kind.body.__name__]
    own["allOf"] = kind.body.rules()
    if example := getattr(kind.body, "example", None):
        own["examples"] = [example]
    return schema


def describe_type(shape: Any) -> dict[str, Any]:
    """The JSON Schema of a type."""
    schema = build_schema(shape)
    refine_schema(schema)
    return schema
