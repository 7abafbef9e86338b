"""One filter of a type: which values it takes, said to people and as JSON Schema."""

import re
from collections.abc import Mapping
from typing import Any

from tasks.rendering.definitions.schema import Parameter

MAX_TEXT_CHARACTERS = 200
"""Characters of the longest text a filter takes."""
MAX_INTEGER = 2**53 - 1
"""The largest whole number every JSON reader takes exactly."""


def find_problem(parameter: Parameter, value: object) -> str:
    """What is wrong with the value and what is allowed, "" when it is fine."""
    return "" if _is_valid(parameter, value) else f"must be {_describe_allowed(parameter)}"


def build_parameter_schema(parameter: Parameter) -> dict[str, Any]:
    """The parameter as JSON Schema (2020-12)."""
    integer = parameter.type == "integer"
    is_bounded = integer and not parameter.choices
    keys = {
        "title": parameter.title,
        "type": parameter.type,
        "enum": [int(choice) if integer else choice for choice in parameter.choices],
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
    """The given filters in words for people."""
    return {
        name: known[name].choices.get(str(value), str(value)) for name, value in filters.items()
    }


def format_all_filters(
    known: Mapping[str, Parameter], filters: Mapping[str, Any]
) -> list[tuple[str, str]]:
    """Each filter that there is: its title, and what was given in words for people."""
    words = format_given_filters(known, filters)
    return [(one.title, words.get(name, one.unset)) for name, one in known.items()]


def check_parameter(name: str, parameter: Parameter) -> None:
    """Raise ``ValueError`` when the parameter itself makes no sense."""
    if parameter.type == "integer":
        _check_integer(name, parameter)
    if parameter.pattern:
        _check_pattern(name, parameter)
    if parameter.default is not None and (fault := find_problem(parameter, parameter.default)):
        raise ValueError(f"parameters.{name}.default: {fault}")


def _check_integer(name: str, parameter: Parameter) -> None:
    if parameter.pattern:
        raise ValueError(f"parameters.{name}.pattern: only strings have one")
    for choice in parameter.choices:
        if str(int(choice)) != choice:
            raise ValueError(f"parameters.{name}.choices: {choice!r} is no plain whole number")


def _check_pattern(name: str, parameter: Parameter) -> None:
    try:
        re.compile(parameter.pattern)
    except re.error as error:
        raise ValueError(f"parameters.{name}.pattern: {error}") from error
    if parameter.choices or not parameter.example:
        raise ValueError(f"parameters.{name}.pattern: needs an example, and no choices beside it")


def _is_valid(parameter: Parameter, value: object) -> bool:
    if parameter.type == "integer":
        if not isinstance(value, int) or isinstance(value, bool) or abs(value) > MAX_INTEGER:
            return False
        return not parameter.choices or str(value) in parameter.choices
    if not isinstance(value, str) or len(value) > MAX_TEXT_CHARACTERS or not value.isprintable():
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
