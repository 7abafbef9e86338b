"""The errors: Python's from their module, HTTP's from the API's description."""

import inspect
from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

from benchmarks.support.page_parts import format_table
from project import errors
from tests.reference.prose import (
    format_sections,
    format_values,
    join_parts,
    markdown_from_docstring,
)
from tests.reference.routes import build_description
from tests.reference.shapes import describe_schema

PROBLEM_SCHEMAS = ("ProblemDocument", "FieldError")


def make_problem() -> str:
    """The fields of a problem document."""
    schemas = build_description()["components"]["schemas"]
    return join_parts(
        *format_sections(3, ((name, describe_schema(schemas[name])) for name in PROBLEM_SCHEMAS))
    )


def make_statuses() -> str:
    """The table of the error statuses."""
    return format_table(
        ("status", "when", "headers"), list_problems(build_description()["components"]["responses"])
    )


def make_errors() -> str:
    """The tree of the Python errors."""
    return join_parts(
        f"```text\n{chr(10).join(format_tree(errors.ContinuoError))}\n```",
        *format_sections(
            3,
            ((name, markdown_from_docstring(kind.__doc__)) for name, kind in list_error_classes()),
        ),
    )


def list_problems(responses: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Status, meaning and headers of each error answer."""
    by_title = {status.phrase.replace(" ", ""): status for status in HTTPStatus}
    for name, answer in responses.items():
        headers = [header for header in answer["headers"] if header != "X-Request-ID"]
        yield (
            f"`{by_title[name].value}` {by_title[name].phrase}",
            answer["description"],
            format_values(headers),
        )


def list_error_classes() -> Iterator[tuple[str, type]]:
    """The error classes in the order of their module."""
    for name, kind in inspect.getmembers(errors, inspect.isclass):
        if issubclass(kind, errors.ContinuoError):
            yield name, kind


def format_tree(kind: type, depth: int = 0) -> Iterator[str]:
    """The name of an error and the names of its subclasses, indented."""
    yield "    " * depth + kind.__name__
    for below in kind.__subclasses__():
        if below.__module__ == errors.__name__:
            yield from format_tree(below, depth + 1)
