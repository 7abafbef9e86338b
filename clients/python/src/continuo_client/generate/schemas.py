"""JSON Schemas as types of Python: ``TypedDict`` for objects with known fields."""

import keyword
import re
from collections.abc import Iterable, Mapping
from typing import Any

Schema = Mapping[str, Any]

PLAIN = {
    "string": "str",
    "integer": "int",
    "number": "float",
    "boolean": "bool",
    "null": "None",
}
LITERALS = (str, int, bool, type(None))
USED = ("Any", "Literal", "NotRequired", "TypedDict", "bool", "dict", "float", "int", "list", "str")
"""The names that the types use: a class must have no field of these names."""


class Names:
    """Names of one module, each given once."""

    def __init__(self, taken: Iterable[str] = ()) -> None:
        self._taken = {*taken, *keyword.kwlist, *keyword.softkwlist}

    def claim(self, wanted: str) -> str:
        """The name, with a number if it is taken."""
        name, number = wanted, 1
        while name in self._taken:
            number += 1
            name = f"{wanted}{number}"
        self._taken.add(name)
        return name


class TypeWriter:
    """Writes the types of one document of schemas; ``prefix`` begins the names of its classes.

    ``classes`` has the texts of the classes.
    """

    def __init__(
        self, prefix: str, definitions: Mapping[str, Schema], names: Names, classes: list[str]
    ) -> None:
        self._prefix = prefix
        self._definitions = definitions
        self._names = names
        self._classes = classes
        self._known: dict[str, str] = {}

    def write(self, schema: Schema, name: str) -> str:
        """The type of a schema; ``name`` is for the class if it needs one."""
        if "$ref" in schema:
            return self._write_reference(schema["$ref"].rpartition("/")[2])
        if "enum" in schema or "const" in schema:
            return write_literal(schema.get("enum", [schema.get("const")]))
        kinds = schema.get("type")
        if kinds is None:
            return self._write_combination(schema, name)
        if isinstance(kinds, list):
            return join(self.write({**schema, "type": kind}, name) for kind in kinds)
        return self._write_plain(kinds, schema, name)

    def write_class(self, schema: Schema, name: str, fields: Iterable[str] | None = None) -> str:
        """Write a class for an object, with these of its fields; returns the name of the class."""
        title = self._names.claim(camel(self._prefix + name))
        return self._fill_class(schema, title, fields)

    def _write_reference(self, name: str) -> str:
        if name in self._known:
            return self._known[name]
        schema = self._definitions[name]
        if "properties" not in schema:
            self._known[name] = "Any"  # in itself; JSON Schema has no name for it
            self._known[name] = self.write(schema, name)
            return self._known[name]
        self._known[name] = self._names.claim(camel(self._prefix + name))
        return self._fill_class(schema, self._known[name], None)

    def _write_combination(self, schema: Schema, name: str) -> str:
        """One of several schemas; all of several only when that is one."""
        parts = schema.get("allOf", [])
        choices = parts if len(parts) == 1 else schema.get("anyOf", schema.get("oneOf", []))
        return join(self.write(each, name) for each in choices) or "Any"

    def _write_plain(self, kind: str, schema: Schema, name: str) -> str:
        if kind == "object":
            return self._write_object(schema, name)
        if kind == "array":
            items = [*schema.get("prefixItems", ()), schema.get("items")]
            known = [item for item in items if isinstance(item, Mapping)] or [{}]
            return f"list[{join(self.write(item, name + 'Item') for item in known)}]"
        return PLAIN.get(kind, "Any")

    def _write_object(self, schema: Schema, name: str) -> str:
        if schema.get("properties"):
            return self.write_class(schema, name)
        values = schema.get("additionalProperties")
        if not isinstance(values, Mapping) or not values:
            return "dict[str, Any]"
        return f"dict[str, {self.write(values, name + 'Value')}]"

    def _fill_class(self, schema: Schema, title: str, fields: Iterable[str] | None) -> str:
        required = set(schema.get("required", ()))
        types = {}
        for field in schema["properties"] if fields is None else fields:
            shape = self.write(
                schema["properties"][field], title.removeprefix(self._prefix) + camel(field)
            )
            types[field] = shape if field in required else f"NotRequired[{shape}]"
        self._classes.append(write_typed_dict(title, types, schema.get("description", "")))
        return title


def write_typed_dict(title: str, types: Mapping[str, str], description: str) -> str:
    """The text of a ``TypedDict``: a class, or a call when a field has no name of Python."""
    if all(is_name(field) for field in types):
        lines = [f"class {title}(TypedDict):"]
        lines += [f"    {description!r}"] if description else []
        lines += [f"    {field}: {shape}" for field, shape in types.items()]
        return "\n".join([*lines, *([] if len(lines) > 1 else ["    pass"])])
    fields = "".join(f"        {field!r}: {shape!r},\n" for field, shape in types.items())
    return f"{title} = TypedDict(\n    {title!r},\n    {{\n{fields}    }},\n)"


def write_literal(values: Iterable[Any]) -> str:
    """The type of some values."""
    values = list(values)
    if not all(isinstance(value, LITERALS) for value in values):
        return "Any"
    return f"Literal[{', '.join(map(repr, values))}]"


def join(types: Iterable[str]) -> str:
    """The union of types, each once."""
    known = list(dict.fromkeys(types))
    return "Any" if "Any" in known else " | ".join(known)


def is_name(text: str) -> bool:
    """Whether a class can have a field of this name; two underscores would change it."""
    is_free = not keyword.iskeyword(text) and not text.startswith("__") and text not in USED
    return text.isidentifier() and is_free


def camel(text: str) -> str:
    """``billing.remind`` as ``BillingRemind``, with no other characters than those of names."""
    words = re.findall(r"[A-Za-z0-9]+", text)
    title = "".join(word[:1].upper() + word[1:] for word in words)
    return title if title[:1].isalpha() else f"T{title}"


def snake(text: str) -> str:
    """``billing.remind`` as ``billing_remind``, with no other characters than those of names."""
    name = re.sub(r"[^A-Za-z0-9]+", "_", text).strip("_").lower()
    return name if name[:1].isalpha() else f"kind_{name}"
