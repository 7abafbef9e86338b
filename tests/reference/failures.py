"""The errors: in Python from their module, over HTTP from the description of the API."""

import inspect
from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

from benchmarks.parts import table
from project import errors
from tests.reference.prose import listed, page, prose, sections
from tests.reference.routes import description
from tests.reference.shapes import described

PROBLEM = ("ProblemDocument", "FieldError")


def make_problem() -> str:
    """What is in a problem document."""
    schemas = description()["components"]["schemas"]
    return page(*sections(3, ((name, described(schemas[name])) for name in PROBLEM)))


def make_statuses() -> str:
    """Which there are."""
    return table(("status", "when", "headers"), problems(description()["components"]["responses"]))


def make_errors() -> str:
    """Ours in Python."""
    return page(
        f"```text\n{chr(10).join(tree(errors.ContinuoError))}\n```",
        *sections(3, ((name, prose(kind.__doc__)) for name, kind in classes())),
    )


def problems(responses: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Status, meaning and headers of each."""
    by_title = {status.phrase.replace(" ", ""): status for status in HTTPStatus}
    for name, answer in responses.items():
        headers = [header for header in answer["headers"] if header != "X-Request-ID"]
        yield (
            f"`{by_title[name].value}` {by_title[name].phrase}",
            answer["description"],
            listed(headers),
        )


def classes() -> Iterator[tuple[str, type]]:
    """The errors in the order of their module."""
    for name, kind in inspect.getmembers(errors, inspect.isclass):
        if issubclass(kind, errors.ContinuoError):
            yield name, kind


def tree(kind: type, depth: int = 0) -> Iterator[str]:
    """The names of an error and of those below it."""
    yield "    " * depth + kind.__name__
    for below in kind.__subclasses__():
        if below.__module__ == errors.__name__:
            yield from tree(below, depth + 1)
