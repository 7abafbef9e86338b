"""The arguments of the next attempt when ``retry`` is given only positional ones, or only keywords.

Arguments of this attempt are kept unless a new one takes their place, as Celery does.
"""

import inspect
from collections.abc import Callable, Mapping, Sequence
from inspect import Parameter
from typing import Any

from celery.app.task import Context

POSITIONAL = (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD)


def merge_arguments(
    run: Callable[..., Any], request: Context, args: Any, kwargs: Any
) -> tuple[Any, Any]:
    """The arguments of the next attempt; None means those of this one, which ``request`` has."""
    parameters = inspect.signature(run).parameters
    if args is not None and kwargs is None and request.kwargs:
        return args, keep_keywords(parameters, args, request.kwargs)
    if kwargs is not None and args is None and request.args:
        return replace_positionals(run, request.args, kwargs)
    return args, kwargs


def keep_keywords(
    parameters: Mapping[str, Parameter], args: Sequence[Any], kwargs: Mapping[str, Any]
) -> dict[str, Any]:
    """The keywords without those whose parameters ``args`` fill."""
    names = [name for name, each in parameters.items() if each.kind in POSITIONAL]
    filled = {
        name
        for name in names[: len(args)]
        if parameters[name].kind is Parameter.POSITIONAL_OR_KEYWORD
    }
    return {name: value for name, value in kwargs.items() if name not in filled}


def replace_positionals(
    run: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]
) -> tuple[Any, Any]:
    """The arguments, with the keywords in the place of the positional ones of the same name."""
    signature = inspect.signature(run)
    try:
        bound = signature.bind_partial(*args)
    except TypeError:  # too many: the check of the call says so
        return None, kwargs
    rest = dict(kwargs)
    for name in list(rest):
        kind = signature.parameters[name].kind if name in bound.arguments else None
        if kind is Parameter.POSITIONAL_OR_KEYWORD:
            bound.arguments[name] = rest.pop(name)
    return bound.args, {**bound.kwargs, **rest}
