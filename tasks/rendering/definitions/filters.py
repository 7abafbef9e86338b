"""Validates the filters of an order against the parameters of its report type."""

from collections.abc import Mapping
from typing import Any

from project.errors import InvalidField
from tasks.rendering.definitions import parameters, report_types
from tasks.rendering.definitions.schema import Parameter

MAX_SHOWN_CHARACTERS = 40
"""Characters of the name of an unknown filter that an error repeats."""


def check_filters(report_type: str, filters: Mapping[str, Any]) -> dict[str, Any]:
    """Return the filters with defaults filled in; checking the result again changes nothing.

    Raises ``InvalidField`` for ``type``, ``filters`` or ``filters.<name>``; the message says
    what is allowed.
    """
    return check_values(report_types.find_type(report_type).definition.parameters, filters)


def check_values(known: Mapping[str, Parameter], filters: Mapping[str, Any]) -> dict[str, Any]:
    """Do the same for the parameters of any origin."""
    if not isinstance(filters, Mapping):
        raise InvalidField("filters", "must be an object")
    _refuse_unknown(known, filters)
    values = {name: _resolve_value(name, known[name], filters) for name in known}
    return {name: value for name, value in values.items() if value is not None}


def _refuse_unknown(known: Mapping[str, Parameter], filters: Mapping[str, Any]) -> None:
    for name in filters:
        if name not in known:
            allowed = ", ".join(known) or "none"
            problem = f"is not a filter of this report; allowed: {allowed}"
            raise InvalidField(f"filters.{str(name)[:MAX_SHOWN_CHARACTERS]}", problem)


def _resolve_value(name: str, parameter: Parameter, filters: Mapping[str, Any]) -> Any:
    if name not in filters:
        if parameter.required:
            raise InvalidField(f"filters.{name}", "is required")
        return parameter.default
    value = _convert_whole_float(parameter, filters[name])
    if problem := parameters.find_problem(parameter, value):
        raise InvalidField(f"filters.{name}", problem)
    return value


def _convert_whole_float(parameter: Parameter, value: Any) -> Any:
    """Convert 3.0 to 3 for an integer, as JSON Schema reads it."""
    is_whole = isinstance(value, float) and value.is_integer()
    return int(value) if is_whole and parameter.type == "integer" else value
