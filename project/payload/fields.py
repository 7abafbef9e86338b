"""The fields of the types that are objects in JSON: structs, dataclasses and ``TypedDict``."""

from functools import lru_cache
from typing import (
    Any,
    NamedTuple,
    NotRequired,
    Required,
    get_args,
    get_origin,
    get_type_hints,
    is_typeddict,
)

import msgspec
from msgspec import inspect

type ObjectType = inspect.StructType | inspect.DataclassType | inspect.TypedDictType


class PayloadField(NamedTuple):
    """A field of a payload. ``encode_name`` is its name in JSON."""

    name: str
    type: Any
    options: Any
    encode_name: str
    is_required: bool = False

    @property
    def definition(self) -> tuple[str, Any, Any]:
        """The field as ``msgspec.defstruct`` takes it."""
        return self.name, self.type, self.options


def read_object(shape: Any) -> ObjectType | None:
    """What msgspec reads of a type whose values are objects with fields; None for another type."""
    if get_origin(shape) or (not isinstance(shape, type) and not is_typeddict(shape)):
        return None
    if isinstance(shape, type) and not is_typeddict(shape) and not has_fields(shape):
        return None
    node = inspect.type_info(shape)
    if isinstance(node, inspect.StructType):
        return None if node.array_like else node
    return node if isinstance(node, inspect.DataclassType | inspect.TypedDictType) else None


def has_fields(shape: type) -> bool:
    """Whether a class is a struct, or a dataclass or the like."""
    return issubclass(shape, msgspec.Struct) or any(
        hasattr(shape, mark) for mark in ("__dataclass_fields__", "__attrs_attrs__")
    )


@lru_cache(maxsize=1_000)
def list_fields(shape: Any) -> tuple[PayloadField, ...]:
    """The fields of a struct, a dataclass or a ``TypedDict``; none for another type."""
    node = read_object(shape)
    if node is None:
        return ()
    hints = get_type_hints(shape, include_extras=True)
    return tuple(
        PayloadField(
            field.name,
            strip_need(hints[field.name]),
            build_field(field),
            field.encode_name,
            field.required,
        )
        for field in node.fields
    )


def strip_need(hint: Any) -> Any:
    """The type of a field of a ``TypedDict`` without ``Required`` or ``NotRequired``."""
    return get_args(hint)[0] if get_origin(hint) in {Required, NotRequired} else hint


def build_field(field: inspect.Field) -> Any:
    """A field of a type as a field of a payload: with its name in JSON and its default."""
    renamed = {"name": field.encode_name} if field.encode_name != field.name else {}
    if field.default_factory is not msgspec.NODEFAULT:
        return msgspec.field(default_factory=field.default_factory, **renamed)
    if field.default is not msgspec.NODEFAULT:
        return msgspec.field(default=field.default, **renamed)
    if not field.required:
        return msgspec.field(default=msgspec.UNSET, **renamed)
    return msgspec.field(**renamed)
