"""The route that lists the typed kinds, with the schemas of their orders and results."""

from typing import Any

import msgspec

from api.docs.openapi import refine_schema
from api.http.routing import Answer, Request, Router
from api.jobs.typed_kinds import TypedKind, collect_typed_kinds
from project.payload.schemas import build_schema

PATH = "/kinds"

routes = Router()


class OfferedKind(msgspec.Struct, frozen=True):
    """A typed kind. ``order`` is the JSON Schema of the body of ``POST path``.

    ``fields`` are the names of the payload in it; the others are those of every order. ``result``
    is the JSON Schema of the result.
    """

    kind: str
    path: str
    summary: str
    fields: list[str]
    order: dict[str, Any]
    result: dict[str, Any]


class OfferedKinds(msgspec.Struct, frozen=True):
    """All typed kinds that can be ordered over HTTP, by name."""

    kinds: list[OfferedKind]


@routes.get(
    PATH,
    answers={200: OfferedKinds},
    errors=(),
    summary="List the typed kinds",
    tags=["kinds"],
)
async def list_kinds(_: Request) -> Answer:
    """Answer the kinds that are declared with ``@app.task(http=...)``."""
    return Answer(OfferedKinds([describe_kind(each) for each in collect_typed_kinds().values()]))


def describe_kind(typed: TypedKind) -> OfferedKind:
    """A typed kind as clients see it."""
    payload = typed.kind.task.payload
    return OfferedKind(
        kind=typed.kind.task.name,
        path=typed.kind.path,
        summary=typed.texts.order_summary,
        fields=[field.encode_name for field in payload.fields] if payload else [],
        order=describe_type(typed.kind.body),
        result=describe_type(payload.result if payload else Any),
    )


def describe_type(shape: Any) -> dict[str, Any]:
    """The JSON Schema of a type."""
    schema = build_schema(shape)
    refine_schema(schema)
    return schema
