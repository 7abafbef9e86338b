"""Placeholders of orders that schedules repeat: kept in the arguments of the call."""

from typing import Any

from project.errors import InvalidField
from project.schedules.placeholders import has_placeholders


def put_back(built: Any, raw: Any, filled: Any) -> Any:
    """The arguments of a call with the placeholders of its order, which were filled to check it.

    They may stand in a member of the arguments, where a typed kind has its payload. Raises
    ``InvalidField`` for a placeholder in what the kind does not hand on as it is.
    """
    inner = [name for name, value in built.items() if isinstance(value, dict)]
    for name, value in raw.items():
        if not has_placeholders(value):
            continue
        if built.get(name) == filled[name]:
            built = {**built, name: value}
        elif isinstance(built.get(name), dict):
            built = {**built, name: put_back(built[name], value, filled[name])}
        elif len(inner) == 1 and built[inner[0]].get(name) == filled[name]:
            built = {**built, inner[0]: {**built[inner[0]], name: value}}
        else:
            raise InvalidField(name, "can have no placeholder: its kind makes something else of it")
    return built
