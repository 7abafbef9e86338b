"""JSON Schemas that allow exactly what the types of a payload allow.

msgspec writes most of a schema. It says too little of dates and the like, which have only a
``format`` (a remark, not a rule), of decimals, which can be numbers, and of the keys of an object;
and it forbids the same item twice in a set, where it is allowed. No schema says which days a month
has.
"""

from collections.abc import Iterable
from typing import Any

from msgspec import _json_schema as generator
from msgspec import inspect

from project.payload.models import is_model
from project.payload.whole_numbers import strip_metadata

REFERENCE = "#/$defs/{name}"

DATE = "[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"
TIME = r"([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]+)?"
ZONE = r"([Zz]|[+\-]([01][0-9]|2[0-3]):?[0-5][0-9])"
ZONES = {True: ZONE, False: "", None: f"{ZONE}?"}
"""By what a type says about the time zone: needed, forbidden, allowed."""

NUMBER = r"[0-9]+(\.[0-9]+)?"
HOURS = f"({NUMBER}[Hh]({NUMBER}[Mm])?({NUMBER}[Ss])?|{NUMBER}[Mm]({NUMBER}[Ss])?|{NUMBER}[Ss])"
DURATION = rf"[+\-]?[Pp]({NUMBER}[Dd]([Tt]{HOURS})?|[Tt]{HOURS})"
DIGITS = "[0-9a-fA-F]"
UUID = f"({DIGITS}{{32}}|{DIGITS}{{8}}(-{DIGITS}{{4}}){{3}}-{DIGITS}{{12}})"
NO_NUMBER = "[sS]?[nN][aA][nN][0-9]*|[iI][nN][fF]([iI][nN][iI][tT][yY])?"
DECIMAL = rf"[+\-]?(([0-9][0-9_]*(\.[0-9_]*)?|\.[0-9][0-9_]*)([eE][+\-]?[0-9_]+)?|{NO_NUMBER})"

MODEL_PATTERNS = {"date": DATE, "uuid": UUID, "date-time": f"{DATE}[Tt ]{TIME}{ZONE}?"}
"""The patterns of the formats that pydantic writes."""


def build_components(
    shapes: Iterable[Any], reference: str = REFERENCE
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """The schemas of types, and those of the named types in them by name.

    ``reference`` is how a schema refers to a named type.
    """
    nodes = inspect.multi_type_info(shapes)
    named = generator._collect_component_types(nodes)  # noqa: SLF001 - it has no public name
    names = generator._build_name_map(named)  # noqa: SLF001 - the same
    writer = SchemaWriter(names, build_model_schema, reference)
    components = {
        names[cls]: writer.to_schema(node, check_ref=False) for cls, node in named.items()
    }
    return [writer.to_schema(node) for node in nodes], components


def build_schema(shape: Any) -> dict[str, Any]:
    """The schema of one type, with the named types in its ``$defs``."""
    (schema,), components = build_components([shape])
    return schema | {"$defs": components} if components else schema


class SchemaWriter(generator._SchemaGenerator):  # noqa: SLF001 - it has no public name
    """Writes the schema of a type, as msgspec does, and what msgspec leaves out."""

    def to_schema(self, t: inspect.Type, check_ref: bool = True) -> dict[str, Any]:
        """The schema of a type that msgspec has read."""
        schema: dict[str, Any] = super().to_schema(t, check_ref)
        node = strip_metadata(t)
        if isinstance(node, inspect.DecimalType):
            text: dict[str, Any] = {name: schema.pop(name) for name in ("type", "format")}
            text["pattern"] = f"^({DECIMAL})$"
            return schema | {"anyOf": [text, {"type": "number"}]}
        if pattern := find_pattern(node):
            schema.setdefault("pattern", f"^({pattern})$")
        if isinstance(node, inspect.DateTimeType):
            schema.setdefault("format", "date-time")
        if isinstance(node, inspect.SetType | inspect.FrozenSetType):
            schema.pop("uniqueItems", None)
        if isinstance(node, inspect.DictType) and (names := self.build_names(node.key_type)):
            schema.setdefault("propertyNames", names)
        return schema

    def build_names(self, key: inspect.Type) -> dict[str, Any]:
        """The schema of the keys of an object, which are texts in JSON."""
        bare = strip_metadata(key)
        if isinstance(bare, inspect.IntType):
            return {"pattern": "^(-?(0|[1-9][0-9]*))$"}
        if isinstance(bare, inspect.StrType | inspect.AnyType):
            return {}
        if isinstance(bare, inspect.EnumType | inspect.LiteralType):
            return {"enum": [str(value) for value in list_values(bare)]}
        return self.to_schema(key)


def list_values(node: inspect.EnumType | inspect.LiteralType) -> list[Any]:
    """The values of an enumeration."""
    if isinstance(node, inspect.LiteralType):
        return list(node.values)
    return [member.value for member in node.cls]


def find_pattern(node: inspect.Type) -> str:
    """The pattern of the texts that a type is written as; "" for types that are not texts."""
    if isinstance(node, inspect.DateTimeType):
        return f"{DATE}[Tt ]{TIME}{ZONES[node.tz]}"
    if isinstance(node, inspect.TimeType):
        return f"{TIME}{ZONES[node.tz]}"
    patterns = {inspect.DateType: DATE, inspect.TimeDeltaType: DURATION, inspect.UUIDType: UUID}
    return patterns.get(type(node), "")


def build_model_schema(shape: Any) -> dict[str, Any]:
    """The schema of a pydantic model, with the models in it at their places."""
    if not is_model(shape):
        raise TypeError(f"JSON has no {shape.__name__}")
    schema: dict[str, Any] = shape.model_json_schema()
    definitions = schema.pop("$defs", {})
    inlined: dict[str, Any] = inline(schema, definitions, ())
    return inlined


def inline(schema: Any, definitions: dict[str, Any], within: tuple[str, ...]) -> Any:
    """A schema without references; a model in itself is any object there."""
    if isinstance(schema, list):
        return [inline(item, definitions, within) for item in schema]
    if not isinstance(schema, dict):
        return schema
    if isinstance(reference := schema.get("$ref"), str):
        name = reference.rpartition("/")[2]
        if name in within:
            return {"type": "object"}
        return inline(definitions[name], definitions, (*within, name))
    schema = {key: inline(item, definitions, within) for key, item in schema.items()}
    if schema.get("type") == "string" and (pattern := MODEL_PATTERNS.get(schema.get("format", ""))):
        schema.setdefault("pattern", f"^({pattern})$")
    return schema
