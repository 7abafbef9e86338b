"""Over HTTP, in Python and in OpenAPI, a kind allows the same values, and says the same words."""

import json
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, NamedTuple, cast

import jsonschema_rs
from hypothesis import HealthCheck, Phase, given, note, settings
from hypothesis import strategies as st

from api.docs.openapi import Info, build_document
from api.http.parsing import BodyReader
from api.http.problems import Problem
from api.http.routing import Router
from api.jobs.typed_kinds import ORDER_FIELDS, TypedKind, build_typed_kind
from project.errors import InvalidField
from project.payload.offer import Offer
from project.payload.payload import MAX_SHOWN_VIOLATIONS, Payload
from tests.support.random_types import Function, draw_function, draw_near_value

TYPES = 200
VALUES = 20
LIMIT = 1 << 20


class Verdict(NamedTuple):
    """What a caller is told about a value: its arguments as objects, or what is wrong with it."""

    arguments: dict[str, Any] | None
    words: str = ""


class Kind:
    """A typed kind of one function, as the API, a program and a reader of /openapi.json see it."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.payload = Payload(function, is_bound=False, check=None)
        task = SimpleNamespace(
            name="made",
            offer=Offer("/made"),
            payload=self.payload,
            get_max_attempts=lambda: 3,
            __doc__="Make.",
        )
        self.typed: TypedKind = build_typed_kind(cast("Any", task))
        self.reader = BodyReader(self.typed.kind.body, LIMIT)
        self.schema = jsonschema_rs.validator_for(self.build_schema())

    def build_schema(self) -> dict[str, Any]:
        routes = Router()
        routes.post("/made", body=self.typed.kind.body, answers={202: None}, summary="Make")(show)
        document = build_document(routes, Info("t", "1"))
        name = self.typed.kind.body.__name__
        return {"$ref": f"#/components/schemas/{name}", "components": document["components"]}

    def order(self, value: dict[str, Any]) -> Verdict:
        """Order over HTTP."""
        try:
            body = self.reader.parse(json.dumps(value), is_other=False)
            options = self.typed.kind.build_options(body)
        except Problem as problem:
            return Verdict(None, "; ".join(map(self.to_words, problem.errors or [])))
        except InvalidField as problem:
            return Verdict(None, self.add_wrapper(str(problem)))
        return Verdict(self.payload.load((), options["kwargs"]))

    def to_words(self, fault: Any) -> str:
        path = ".".join(fault.pointer.removeprefix("/").split("/"))
        what, allowed, names = fault.detail.partition("; allowed: ")
        own = [name for name in names.split(", ") if name not in ORDER_FIELDS | {"max_retries"}]
        return self.add_wrapper(f"{path}: {what}{allowed}{', '.join(own)}")

    def add_wrapper(self, words: str) -> str:
        return f"{self.payload.wrapper}.{words}" if self.payload.wrapper else words

    def call(self, value: dict[str, Any]) -> Verdict:
        """Call in Python."""
        named = {self.payload.wrapper: value} if self.payload.wrapper else value
        try:
            stored = self.payload.dump((), named)
        except InvalidField as problem:
            return Verdict(None, str(problem))
        return Verdict(self.payload.load((), stored))


async def show(_: Any) -> None: ...


def require_agreement(kind: Kind, value: dict[str, Any]) -> None:
    note(f"{value}")
    http, python = kind.order(value), kind.call(value)
    shown = http.words.split("; ")
    assert http.arguments == python.arguments, (http, python)
    if len(shown) <= MAX_SHOWN_VIOLATIONS:
        assert http.words == python.words
    assert kind.schema.is_valid(value) == (http.arguments is not None), http.words


# without shrinking, which takes minutes: the values that differ are shown as they are
@settings(
    max_examples=TYPES,
    phases=[Phase.generate],
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)
@given(draw_function(), st.data())
def test_http_python_and_openapi_agree_on_every_value(
    function: Function, data: st.DataObject
) -> None:
    kind = Kind(function.call)
    note(f"{kind.payload.parameters}")

    for place in range(VALUES):
        value = data.draw(function.arguments)
        if place % 2:
            value = data.draw(draw_near_value(value))
        if isinstance(value, dict):
            require_agreement(kind, value)
