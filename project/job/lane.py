"""The lane of a job, by the arguments of its call."""

import inspect
import re
from collections.abc import Callable, Mapping
from typing import Any

from project.errors import InvalidField
from project.records.grouping import check_lane

_PLACEHOLDER = re.compile(r"{([^{}]*)}")


def format_lane(pattern: str, function: Callable[..., Any], args: Any, kwargs: Any) -> str:
    """The lane of a call, by a pattern with arguments of the function: ``{order.customer}``.

    A value that is None is an empty text. Raises ``InvalidField`` when there is no such value.
    """
    given = bind_arguments(function, args or (), kwargs or {})
    lane = _PLACEHOLDER.sub(lambda found: find_text(given, found[1]), pattern)
    return check_lane(lane)


def bind_arguments(function: Callable[..., Any], args: Any, kwargs: Any) -> Mapping[str, Any]:
    """The arguments of a call by name, as far as they are given."""
    if not args:
        return dict(kwargs)
    try:
        return inspect.signature(function).bind_partial(*args, **kwargs).arguments
    except TypeError:  # the call says so itself
        return dict(kwargs)


def find_text(given: Mapping[str, Any], path: str) -> str:
    """The text of an argument, or of a member of one. Raises ``InvalidField``."""
    value: Any = given
    for name in path.split("."):
        if isinstance(value, Mapping) and name in value:
            value = value[name]
        elif not isinstance(value, Mapping) and hasattr(value, name):
            value = getattr(value, name)
        else:
            raise InvalidField("lane", f"the lane of the kind needs {path}, which is not given")
    if isinstance(value, (Mapping, list, tuple)):
        raise InvalidField("lane", f"the lane of the kind needs a text or a number in {path}")
    return "" if value is None else str(value)
