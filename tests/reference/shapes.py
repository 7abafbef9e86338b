"""Describe JSON Schemas in words."""

from collections.abc import Iterator
from typing import Any

import msgspec

from benchmarks.support.page_parts import format_table
from tests.reference.prose import format_anchor, format_values, join_parts, markdown_from_docstring

type Schema = dict[str, Any]

MAX_VALUES = 12
"""The number of allowed values after which a list is cut."""
HEAD = ("field", "type", "default")
FORMATS = {
    "uri": "URL",
    "email": "e-mail address",
    "line": "text of one line",
    "download-link": "download link",
    "locale": "name of a locale",
    "currency": "code of a currency",
    "time-zone": "name of a time zone",
    "csv": "CSV",
}
"""Texts of a certain kind, in words."""


def describe_schema(schema: Schema) -> str:
    """The purpose and the fields of a type."""
    if "enum" in schema:
        return join_parts(
            markdown_from_docstring(schema.get("description")),
            f"One of {format_values(schema['enum'])}.",
        )
    return join_parts(markdown_from_docstring(schema.get("description")), fields_of(schema))


def fields_of(schema: Schema) -> str:
    """The table of an object's fields."""
    needed = schema.get("required", ())
    return format_table(
        HEAD,
        (
            (f"`{name}`", format_type(field), default_of(field, is_needed=name in needed))
            for name, field in schema.get("properties", {}).items()
        ),
    )


def default_of(field: Schema, *, is_needed: bool) -> str:
    """The default of a field, or that it is required."""
    if "default" in field:
        return f"`{msgspec.json.encode(field['default']).decode()}`"
    return "required" if is_needed else "optional"


def format_type(schema: Schema) -> str:
    """A type in words, with its bounds."""
    if "$ref" in schema:
        return format_anchor(schema["$ref"].rpartition("/")[2])
    if several := schema.get("anyOf"):
        return " or ".join(dict.fromkeys(format_type(one) for one in several))
    if "enum" in schema:
        return values_of(schema["enum"])
    if "const" in schema:
        return format_values([schema["const"]])
    return " ".join(_format_parts(schema)) or "anything"


def values_of(values: list[Any]) -> str:
    """The allowed values, cut after ``MAX_VALUES``."""
    shown = format_values("null" if value is None else value for value in values[:MAX_VALUES])
    return f"{shown} ..." if len(values) > MAX_VALUES else shown


def _format_parts(schema: Schema) -> Iterator[str]:
    kind = schema.get("type")
    if kind == "array":
        yield "array of " + format_type(schema.get("items", {}))
    elif kind:
        yield format_of(schema) if kind == "string" else kind
    yield from bounds_of(schema, "minimum", "maximum", "")
    yield from bounds_of(schema, "minLength", "maxLength", "characters")
    yield from bounds_of(schema, "minItems", "maxItems", "items")


def format_of(schema: Schema) -> str:
    """The format of a text in words."""
    kind = schema.get("format", "string")
    return FORMATS.get(kind, kind)


def bounds_of(schema: Schema, least: str, most: str, unit: str) -> Iterator[str]:
    """The lower and the upper bound in words."""
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
