"""Values from JSON to objects and back, by their types: those of msgspec, and pydantic models."""

from collections.abc import Iterable
from typing import Any

import msgspec
from msgspec import inspect

from project.payload.models import build_model, dump_model
from project.payload.whole_numbers import convert_whole_floats


def convert(value: Any, shape: Any) -> Any:
    """The object of type ``shape`` that a JSON value stands for; 3.0 is an integer.

    Raises ``ValidationError``.
    """
    try:
        return convert_strictly(value, shape)
    except msgspec.ValidationError:
        whole = convert_whole_floats(value, inspect.type_info(shape))
        return convert_strictly(whole, shape)


def convert_strictly(value: Any, shape: Any) -> Any:
    """``convert`` for a value whose integers have no point."""
    return msgspec.convert(value, shape, dec_hook=build_model, str_keys=True)


def to_json(value: Any, kept: Iterable[type] = ()) -> Any:
    """A value as what JSON has; objects of the ``kept`` types stay what they are.

    Raises ``TypeError`` for an object without a JSON form.
    """
    return msgspec.to_builtins(value, builtin_types=kept, str_keys=True, enc_hook=dump_model)
