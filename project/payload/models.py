"""pydantic models in payloads. They are strict: a text is no number, as in their JSON Schema."""

from collections.abc import Iterator
from typing import Any

import msgspec

from project.payload.whole_numbers import convert_all_whole_floats


def is_model(shape: Any) -> bool:
    """Whether a type is a pydantic model."""
    return isinstance(shape, type) and hasattr(shape, "model_validate_json")


def build_model(shape: Any, value: Any) -> Any:
    """A model from its JSON value. Raises ``ValueError`` with all that is wrong."""
    if isinstance(value, shape):
        return value
    if not is_model(shape):
        raise ValueError(f"JSON has no {shape.__name__}")
    try:
        return read_model(shape, value)
    except ValueError as problem:
        found = [f"{'.'.join(path)}: {what}" for path, what in list_faults(problem)]
        raise ValueError("; ".join(found) or str(problem)) from problem


def find_faults(shape: Any, value: Any) -> list[tuple[tuple[str, ...], str]]:
    """All that is wrong in the JSON value of a model: the path and what pydantic says."""
    try:
        read_model(shape, value)
    except ValueError as problem:
        return list(list_faults(problem))
    return []


def read_model(shape: Any, value: Any) -> Any:
    """A model from its JSON value. Raises ``ValueError``."""
    try:
        return shape.model_validate_json(msgspec.json.encode(value), strict=True)
    except ValueError:
        whole = convert_all_whole_floats(value)
        return shape.model_validate_json(msgspec.json.encode(whole), strict=True)


def list_faults(problem: Any) -> Iterator[tuple[tuple[str, ...], str]]:
    """What a ``ValidationError`` of pydantic says."""
    for each in problem.errors() if hasattr(problem, "errors") else []:
        yield tuple(map(str, each["loc"])), each["msg"]


def dump_model(value: Any) -> Any:
    """The JSON value of a model. Raises ``TypeError`` for any other object."""
    if hasattr(value, "model_dump"):
        return value.model_dump(mode="json", by_alias=True)
    raise TypeError(f"a {type(value).__name__} has no form in JSON")
