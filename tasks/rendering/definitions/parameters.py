"""The values that one filter of a report type accepts, and its JSON Schema."""

import re
from collections.abc import Mapping
from typing import Any

from project.text import is_line
from tasks.rendering.definitions.schema import Parameter

MAX_TEXT_CHARACTERS = 200
"""Maximum length of a text filter."""
MAX_INTEGER = 2**53 - 1
"""The largest integer that every JSON parser reads exactly."""


def find_problem(parameter: Parameter, value: object) -> str:
    """Return what is wrong with the value and what is allowed; "" if the value is valid."""
    return "" if _is_valid(parameter, value) else f"must be {_describe_allowed(parameter)}"


def build_parameter_schema(parameter: Parameter) -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of a parameter."""
    is_integer = parameter.type == "integer"
    is_bounded = is_integer and not parameter.choices
    keys = {
        "title": parameter.title,
        "type": parameter.type,
        "enum": [int(choice) if is_integer else choice for choice in parameter.choices],
        "pattern": f"^(?:{parameter.pattern})$" if parameter.pattern else "",
        "minimum": -MAX_INTEGER if is_bounded else None,
        "maximum": MAX_INTEGER if is_bounded else None,
        "default": parameter.default,
        "examples": [parameter.example] if parameter.example else [],
    }
    return {key: value for key, value in keys.items() if value not in (None, "", [])}


def format_given_filters(
    known: Mapping[str, Parameter], filters: Mapping[str, Any]
) -> dict[str, str]:
    """Return the display text of each given filter, by name."""
    return {
        name: known[name].choices.get(str(value), str(value)) for name, value in filters.items()
    }


def format_all_filters(
    known: Mapping[str, Parameter], filters: Mapping[str, Any]
) -> list[tuple[str, str]]:
    """Return the title and the display text of every filter, given or not."""
    texts = format_given_filters(known, filters)
    return [
        (parameter.title, texts.get(name, parameter.unset)) for name, parameter in known.items()
    ]


def check_parameter(name: str, parameter: Parameter) -> None:
    """Check a parameter of report.toml itself. Raises ``ValueError``."""
    if parameter.type == "integer":
        _check_integer(name, parameter)
    if parameter.pattern:
        _check_pattern(name, parameter)
    if parameter.default is not None and (problem := find_problem(parameter, parameter.default)):
        raise ValueError(f"parameters.{name}.default: {problem}")


def _check_integer(name: str, parameter: Parameter) -> None:
    if parameter.pattern:
        raise ValueError(f"parameters.{name}.pattern: only strings have a pattern")
    for choice in parameter.choices:
        if str(int(choice)) != choice:
            raise ValueError(
                f"parameters.{name}.choices: {choice!r} is not a whole number in plain digits"
            )


def _check_pattern(name: str, parameter: Parameter) -> None:
    try:
        re.compile(parameter.pattern)
    except re.error as error:
        raise ValueError(f"parameters.{name}.pattern: {error}") from error
    if parameter.choices or not parameter.example:
        raise ValueError(
            f"parameters.{name}.pattern: a pattern needs an example and excludes choices"
        )


def _is_valid(parameter: Parameter, value: object) -> bool:
    if parameter.type == "integer":
        if not isinstance(value, int) or isinstance(value, bool) or abs(value) > MAX_INTEGER:
            return False
        return not parameter.choices or str(value) in parameter.choices
    if not isinstance(value, str) or len(value) > MAX_TEXT_CHARACTERS or not is_line(value):
        return False
    if parameter.choices:
        return value in parameter.choices
    return not parameter.pattern or bool(re.fullmatch(parameter.pattern, value, re.ASCII))


def _describe_allowed(parameter: Parameter) -> str:
    if parameter.choices:
        return f"one of {', '.join(parameter.choices)}"
    if parameter.pattern:
        return f"text such as {parameter.example}, matching {parameter.pattern}"
    if parameter.type == "integer":
        return f"a whole number, at most {MAX_INTEGER} and at least {-MAX_INTEGER}"
    return f"text of up to {MAX_TEXT_CHARACTERS} characters in one line"
