"""The module that ``generate`` writes: a ``TypedDict`` and a function for each kind."""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from continuo_client.generate.schemas import USED, Names, Schema, TypeWriter, camel, snake
from continuo_client.orders import SHIPPED_PATHS, OrderOptions
from continuo_client.records import Kind

EVERY_ORDER = frozenset(OrderOptions.__annotations__)

HEAD = '''"""The kinds of an API of Continuo, written by ``python -m continuo_client.generate``.

``client.order(KIND({{...}}))`` checks the payload with a type checker, and types the result.
"""

from __future__ import annotations

from typing import Any, Literal, NotRequired, TypedDict

from continuo_client import Order

__all__ = {names}
'''

FUNCTION = """def {function}(payload: {payload}) -> Order[{result}]:
    {summary!r}
    return Order({kind!r}, payload, {path!r})"""


class Offer(NamedTuple):
    """A kind, and the schemas of its order and its result with what these refer to."""

    kind: str
    path: str
    summary: str
    fields: list[str]
    order: Schema
    order_definitions: Mapping[str, Schema]
    result: Schema
    result_definitions: Mapping[str, Schema]


def write_module(document: Mapping[str, Any], kinds: Iterable[Kind]) -> str:
    """The text of the module, from ``/openapi.json`` and ``GET /kinds``."""
    offers = [*read_shipped(document), *map(read_typed, kinds)]
    names, functions, parts = Names((*USED, "Order")), [], []
    for offer in sorted(offers, key=lambda offer: offer.kind):
        function = names.claim(snake(offer.kind))
        functions.append(function)
        parts += write_kind(offer, function, names)
    return "\n\n\n".join([HEAD.format(names=sorted(functions)).rstrip(), *parts]) + "\n"


def write_kind(offer: Offer, function: str, names: Names) -> list[str]:
    """The classes and the function of a kind."""
    classes: list[str] = []
    prefix = camel(offer.kind)
    ordered = TypeWriter(prefix, offer.order_definitions, names, classes)
    payload = ordered.write_class({**offer.order, "description": ""}, "Order", offer.fields)
    given = TypeWriter(prefix, offer.result_definitions, names, classes)
    result = given.write(offer.result, "Result")
    text = FUNCTION.format(
        function=function,
        payload=payload,
        result=result,
        summary=offer.summary,
        kind=offer.kind,
        path=offer.path,
    )
    return [*classes, text]


def read_typed(kind: Kind) -> Offer:
    """A typed kind, as ``GET /kinds`` describes it."""
    definitions = kind["order"].get("$defs", {})
    return Offer(
        kind["kind"],
        kind["path"],
        kind["summary"],
        kind["fields"],
        resolve(kind["order"], definitions),
        definitions,
        kind["result"],
        kind["result"].get("$defs", {}),
    )


def read_shipped(document: Mapping[str, Any]) -> Iterable[Offer]:
    """The kinds that come with Continuo, as far as this API has them."""
    definitions = document["components"]["schemas"]
    for kind, path in SHIPPED_PATHS.items():
        if post := document["paths"].get(path, {}).get("post"):
            schema = post["requestBody"]["content"]["application/json"]["schema"]
            order = resolve(schema, definitions)
            fields = [name for name in order["properties"] if name not in EVERY_ORDER]
            yield Offer(kind, path, post["summary"], fields, order, definitions, {}, {})


def resolve(schema: Schema, definitions: Mapping[str, Schema]) -> Schema:
    """The schema that a reference leads to."""
    return definitions[schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema
