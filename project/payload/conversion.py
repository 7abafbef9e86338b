"""Values from JSON to objects and back, by their types: those of msgspec, and pydantic models."""

from typing import Any

import msgspec


def convert(value: Any, shape: Any) -> Any:
    """The object of type ``shape`` that a JSON value stands for. Raises ``ValidationError``."""
    return msgspec.convert(value, shape, dec_hook=build_object)


def to_json(value: Any) -> Any:
    """A value as what JSON has. Raises ``TypeError`` for an object without a JSON form."""
    return msgspec.to_builtins(value, str_keys=True, enc_hook=build_builtins)


def build_object(shape: Any, value: Any) -> Any:
    """A pydantic model from its JSON value. Raises ``ValueError`` with all that is wrong."""
    if isinstance(value, shape):
        return value
    try:
        return shape.model_validate(value)
    except ValueError as problem:
        errors = problem.errors() if hasattr(problem, "errors") else []
        found = [f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in errors]
        raise ValueError("; ".join(found) or str(problem)) from problem


def build_builtins(value: Any) -> Any:
    """The JSON value of a pydantic model. Raises ``TypeError`` for any other object."""
    if hasattr(value, "model_dump"):
        return value.model_dump(mode="json")
    raise TypeError(f"a {type(value).__name__} has no form in JSON")


def build_schema(shape: Any) -> dict[str, Any]:
    """The JSON Schema of a pydantic model, with the models in it at their places."""
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
    return {key: inline(item, definitions, within) for key, item in schema.items()}


def is_model(shape: Any) -> bool:
    """Whether a type is a pydantic model."""
    return isinstance(shape, type) and hasattr(shape, "model_validate")
