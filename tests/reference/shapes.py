"""JSON Schemas in words."""

from collections.abc import Iterator
from typing import Any

import msgspec

from benchmarks.parts import table
from tests.reference.prose import anchored, listed, page, prose

type Schema = dict[str, Any]

MANY = 12
"""Values beyond which a list of what is allowed is cut."""
HEAD = ("field", "type", "default")
FORMATS = {
    "uri": "URL",
    "email": "e-mail address",
    "line": "text of one line",
    "download-link": "download link",
    "csv": "CSV",
}
"""Texts of a certain kind, in words."""


def described(schema: Schema) -> str:
    """What a type is for and what is in it."""
    if "enum" in schema:
        return page(prose(schema.get("description")), f"One of {listed(schema['enum'])}.")
    return page(prose(schema.get("description")), fields_of(schema))


def fields_of(schema: Schema) -> str:
    """The fields of an object."""
    needed = schema.get("required", ())
    return table(
        HEAD,
        (
            (f"`{name}`", spelled(field), default_of(field, is_needed=name in needed))
            for name, field in schema.get("properties", {}).items()
        ),
    )


def default_of(field: Schema, *, is_needed: bool) -> str:
    """What it is when nobody says, or that somebody has to."""
    if "default" in field:
        return f"`{msgspec.json.encode(field['default']).decode()}`"
    return "required" if is_needed else "optional"


def spelled(schema: Schema) -> str:
    """A type in words, with its bounds."""
    if "$ref" in schema:
        return anchored(schema["$ref"].rpartition("/")[2])
    if several := schema.get("anyOf"):
        return " or ".join(dict.fromkeys(spelled(one) for one in several))
    if "enum" in schema:
        return values_of(schema["enum"])
    if "const" in schema:
        return listed([schema["const"]])
    return " ".join(_plain(schema)) or "anything"


def values_of(values: list[Any]) -> str:
    """What is allowed, not all of it when it is much."""
    shown = listed("null" if value is None else value for value in values[:MANY])
    return f"{shown} ..." if len(values) > MANY else shown


def _plain(schema: Schema) -> Iterator[str]:
    kind = schema.get("type")
    if kind == "array":
        yield "array of " + spelled(schema.get("items", {}))
    elif kind:
        yield format_of(schema) if kind == "string" else kind
    yield from bounds_of(schema, "minimum", "maximum", "")
    yield from bounds_of(schema, "minLength", "maxLength", "characters")
    yield from bounds_of(schema, "minItems", "maxItems", "items")


def format_of(schema: Schema) -> str:
    """What kind of text it is."""
    kind = schema.get("format", "string")
    return FORMATS.get(kind, kind)


def bounds_of(schema: Schema, least: str, most: str, unit: str) -> Iterator[str]:
    """From where to where it goes."""
    low, high = schema.get(least), schema.get(most)
    unit = f" {unit}" if unit else ""
    if low is not None and high is not None:
        yield f"({low:,} to {high:,}{unit})"
    elif low == 1 and unit:
        yield "(not empty)"
    elif high is not None:
        yield f"(at most {high:,}{unit})"
    elif low is not None:
        yield f"(at least {low:,}{unit})"
