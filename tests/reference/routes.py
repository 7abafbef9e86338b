"""The routes, from the router that the API runs and describes in /openapi.json."""

from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

from api.app import DESCRIPTION, build
from api.docs.openapi import Info, build_document
from api.http.routing import Route, Router
from api.http.shutdown import Drain
from benchmarks.support.page_parts import format_table
from project.version import read_version
from tests.reference.prose import format_sections, format_values, join_parts
from tests.reference.shapes import describe_schema, format_type

Operation = dict[str, Any]


PLATFORM_TAGS = frozenset(
    {
        "artifacts", "batches", "callbacks", "emails", "events", "exports", "health", "history",
        "kinds", "me", "queue", "reports", "schedules", "suppressions", "tasks",
        "webhooks", "workflows",
    }
)  # fmt: skip
"""The first tags of the routes of the platform; those that users add have their own."""


def build_router() -> Router:
    """A router with all routes of the platform."""
    routes, _ = build(Drain())
    platform = Router()
    for route in routes.routes:
        if route.hidden or (route.tags and route.tags[0] in PLATFORM_TAGS):
            platform.add(route)
    return platform


def build_description() -> dict[str, Any]:
    """The content of /openapi.json."""
    return build_document(build_router(), Info("Continuo", read_version(), DESCRIPTION))


def make_routes() -> str:
    """The page of all routes."""
    told = build_description()
    routes = [route for route in build_router().routes if not route.hidden]
    groups = dict.fromkeys(route.tags[0] if route.tags else "more" for route in routes)
    return join_parts(
        *format_sections(
            2, ((group.capitalize(), group_of(group, routes, told)) for group in groups)
        ),
        "## Types",
        *format_sections(
            3,
            (
                (name, describe_schema(schema))
                for name, schema in sorted(told["components"]["schemas"].items())
            ),
        ),
    )


def group_of(group: str, routes: list[Route], told: dict[str, Any]) -> str:
    """The section of one group of routes."""
    return join_parts(
        *format_sections(
            3,
            (
                (
                    f"{route.method} {route.template}",
                    operation_of(route, told["paths"][route.template][route.method.lower()]),
                )
                for route in routes
                if (route.tags[0] if route.tags else "more") == group
            ),
        )
    )


def operation_of(route: Route, operation: Operation) -> str:
    """The section of one route."""
    return join_parts(
        " ".join(
            filter(
                None,
                [
                    format_sentence(route.summary),
                    format_sentence(route.description),
                    permission_of(route),
                ],
            )
        ),
        body_of(operation),
        format_table(("parameter", "in", "type", "default"), parameters_of(operation)),
        format_table(("answer", "body", "headers"), answers_of(operation)),
        errors_of(operation),
    )


def format_sentence(text: str) -> str:
    """The text with a final full stop."""
    return f"{' '.join(text.split()).removesuffix('.')}." if text else ""


def permission_of(route: Route) -> str:
    """The scope that the route needs."""
    if not route.auth:
        return "No key is asked for."
    if route.cross_tenant:
        return f"Scope `{route.required_scope}`; not for the key of a tenant."
    return f"Scope `{route.required_scope}`."


def body_of(operation: Operation) -> str:
    """The request body."""
    body = operation.get("requestBody")
    if not body:
        return ""
    kinds = " or ".join(
        f"{format_type(content['schema'])} as `{kind}`" for kind, content in body["content"].items()
    )
    return f"Body: {kinds}{'' if body['required'] else '; it may be left out'}."


def parameters_of(operation: Operation) -> Iterator[tuple[str, str, str, str]]:
    """Name, place, type and default of each parameter; the meaning of each header."""
    for parameter in operation.get("parameters", ()):
        schema = parameter["schema"]
        meaning = parameter.get("description") or schema.get("description")
        default = schema.get("default")
        shown = "" if default in (None, "") else f"`{default}`"
        spelling = format_type(schema) if parameter["in"] != "header" else str(meaning)
        yield f"`{parameter['name']}`", parameter["in"], spelling, shown


def answers_of(operation: Operation) -> Iterator[tuple[str, str, str]]:
    """Status, body and headers of each successful answer."""
    for status, answer in operation["responses"].items():
        if "$ref" not in answer:
            headers = [name for name in answer["headers"] if name != "X-Request-ID"]
            yield f"`{status}` {answer['description']}", contents_of(answer), format_values(headers)


def contents_of(answer: Operation) -> str:
    """The types of a body."""
    return ", ".join(
        f"`{kind}`"
        if not content.get("schema")
        else f"{format_type(content['schema'])} as `{kind}`"
        if kind != "application/json"
        else format_type(content["schema"])
        for kind, content in answer.get("content", {}).items()
    )


def errors_of(operation: Operation) -> str:
    """The statuses of the errors."""
    statuses = [
        f"`{status}`"
        for status, answer in operation["responses"].items()
        if "$ref" in answer and int(status) >= HTTPStatus.BAD_REQUEST
    ]
    return f"Errors: {', '.join(statuses)}; see [errors](errors.md)." if statuses else ""
