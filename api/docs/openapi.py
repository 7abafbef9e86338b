"""Builds the OpenAPI 3.1 document of a router from its routes and their types."""

from collections.abc import Iterable, Iterator, Mapping
from http import HTTPStatus
from typing import Any, NamedTuple

import msgspec

from api.http.problems import PROBLEM_JSON, ProblemDocument, title_of
from api.http.routing import Route, Router
from project.payload.schemas import build_components

_REF = "#/components/schemas/{name}"
_SECURITY: list[dict[str, list[str]]] = [{"ApiKey": []}, {"Bearer": []}]
_SECURITY_SCHEMES = {
    "ApiKey": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
    "Bearer": {"type": "http", "scheme": "bearer"},
}
_REQUEST_ID_HEADER = {
    "description": "The id of the request in the log: the one that was sent, or a new one.",
    "schema": {"type": "string"},
}
_REQUEST_ID_PARAMETER = {
    "name": "X-Request-ID",
    "in": "header",
    "required": False,
    "description": "Your id for the request: 1 to 64 letters, digits, . _ -. Any other value "
    "is ignored.",
    "schema": {"type": "string"},
}
_TEXT_SCHEMA = {"type": "string"}
_HEADER_SCHEMAS: dict[str, dict[str, Any]] = {
    "Idempotency-Key": {"type": "string", "pattern": r'^("[ -~]{1,255}"|(?!"?"$)[ -~]{1,255})$'},
    "Last-Event-ID": {"type": "string", "pattern": "^[0-9]{1,18}-[0-9]{1,18}$"},
    "Retry-After": {"type": "integer", "minimum": 0},
}
"""The schemas of headers that are not plain text."""
_BODY_SCHEMAS = {
    "text/csv": {"type": "string", "format": "csv", "minLength": 1},
    "text/plain": {"type": "string", "minLength": 1},
    "message/rfc822": {"type": "string", "minLength": 1},
}
_IF_NONE_MATCH_DESCRIPTION = (
    "The ETag of an earlier response; 304 without a body if nothing has changed."
)
_ETAG_HEADER = {"ETag": "Identifies this content, for If-None-Match."}
_COMMON_HEADERS = {"X-Request-ID": {"$ref": "#/components/headers/RequestId"}}
_ERROR_HEADERS = {
    401: {"WWW-Authenticate": "How to send a key."},
    403: {"WWW-Authenticate": "The scope that the key must have."},
    405: {"Allow": "The methods that work here."},
    429: {
        "Retry-After": "Seconds after which a request is allowed again.",
        "RateLimit": "Requests left (r), and seconds until the limit is reset (t).",
        "RateLimit-Policy": "Allowed requests (q) per window in seconds (w).",
    },
    503: {"Retry-After": "Seconds after which to try again."},
}
_STATUS_DESCRIPTIONS = {
    400: "The query, the path or the syntax of the body is wrong.",
    401: "The API key is missing or unknown.",
    403: "The API key does not have the scope, the link is not valid, or the request comes from a "
    "page of another origin.",
    404: "Not found.",
    405: "The path exists; Allow has the methods that work on it.",
    409: "The request conflicts with an existing job.",
    410: "It existed, but it has expired.",
    413: "The body is too large.",
    415: "The Content-Type is missing or is not JSON.",
    416: "The range is beyond the end of the file.",
    422: "A value in the body is not allowed; errors names it.",
    429: "Too many requests for this API key.",
    500: "An error of the server; the request is not at fault.",
    503: "Temporarily unavailable; nothing was changed.",
}


class Info(NamedTuple):
    """The title, version and description of the API."""

    title: str
    version: str
    description: str = ""


def build_document(router: Router, info: Info) -> dict[str, Any]:
    """Build the document of all routes that are not hidden, as plain types."""
    routes = [route for route in router.routes if not route.hidden]
    schemas = _Schemas(routes)
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        asked = {"parameters": [_REQUEST_ID_PARAMETER]}  # Swagger shows a reference without a name
        operations = paths.setdefault(route.template, asked)
        operations[route.method.lower()] = _build_operation(route, schemas)
    return {
        "openapi": "3.1.0",
        "info": {name: text for name, text in info._asdict().items() if text},
        "paths": paths,
        "tags": [{"name": name} for name in _list_tags(routes)],
        "components": {
            "schemas": schemas.components,
            "responses": dict(_build_failures(routes, schemas)),
            "headers": {"RequestId": _REQUEST_ID_HEADER},
            "securitySchemes": _SECURITY_SCHEMES,
        },
    }


class _Schemas:
    """The JSON Schemas of all types of all routes; named types are in ``components``."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self._types = [
            ProblemDocument,
            *(shape for route in routes for shape in _list_shapes(route)),
        ]
        self._schemas, self.components = build_components(self._types, _REF)
        refine_schema(self.components)
        for shape in self._types:
            if rules := getattr(shape, "rules", None):
                self.components[shape.__name__]["allOf"] = rules()
            if example := getattr(shape, "example", None):
                self.components[shape.__name__]["examples"] = [example]
        for route in routes:
            if schema := self.components.get(getattr(route.body, "__name__", "")):
                schema.setdefault("examples", [build_example(schema)])

    def of(self, shape: Any) -> dict[str, Any]:
        """Return the schema of ``shape``; a reference if the type has a name."""
        if isinstance(shape, tuple):
            return {"anyOf": [self.of(part) for part in shape]}
        return self._schemas[self._types.index(shape)]

    def fields(self, struct: type[msgspec.Struct]) -> Iterator[tuple[str, dict[str, Any], bool]]:
        """Yield name, schema and whether it is required, for each field of ``struct``."""
        _, components = build_components([struct], _REF)
        schema = components[struct.__name__]
        for name, field in schema["properties"].items():
            yield name, field, name in schema.get("required", ())


def refine_schema(schema: Any) -> None:
    """Make schemas explicit for client generators: open objects, and tuples of one type."""
    if isinstance(schema, list):
        for item in schema:
            refine_schema(item)
    elif isinstance(schema, dict):
        first, *others = schema.get("prefixItems") or [None]
        if first and all(other == first for other in others):
            del schema["prefixItems"]
            schema["items"] = first
        if schema.get("type") == "object" and "properties" not in schema:
            schema.setdefault("additionalProperties", True)
        for item in schema.values():
            refine_schema(item)


def build_example(schema: dict[str, Any]) -> dict[str, Any]:
    """An example of an object: its required fields. A field that can be left out stays out.

    Swagger would write each default, and null where there is none.
    """
    return {name: _pick_value(schema["properties"][name]) for name in schema.get("required", ())}


def _pick_value(schema: dict[str, Any]) -> Any:
    if "enum" in schema:
        return schema["enum"][0]
    if "anyOf" in schema:
        return _pick_value(schema["anyOf"][0])
    values = {"string": "string", "boolean": False, "array": []}
    kind = str(schema.get("type"))
    return schema.get("minimum", 1) if kind in {"integer", "number"} else values.get(kind, {})


def _list_shapes(route: Route) -> Iterator[Any]:
    for shape in route.answers.values():
        yield from filter(_has_schema, shape if isinstance(shape, tuple) else [shape])
    if route.body is not None:
        yield route.body
    if route.query is not None:
        yield from (field.type for field in msgspec.structs.fields(route.query))


def _has_schema(shape: Any) -> bool:
    return shape is not None and shape is not bytes and shape is not str


def _list_tags(routes: Iterable[Route]) -> list[str]:
    return list(dict.fromkeys(tag for route in routes for tag in route.tags))


def _build_operation(route: Route, schemas: _Schemas) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": route.operation or route.handler.__name__,
        "summary": route.summary,
        "description": route.description,
        "tags": list(route.tags),
        "parameters": list(_build_parameters(route, schemas)),
        "responses": dict(_build_responses(route, schemas)),
    }
    if route.body is not None:
        content: dict[str, Any] = {"application/json": {"schema": schemas.of(route.body)}}
        if route.also:
            content[route.also] = {"schema": _BODY_SCHEMAS[route.also]}
        operation["requestBody"] = {"required": route.needs_body, "content": content}
    if route.auth:
        operation["security"] = _SECURITY
    return {name: value for name, value in operation.items() if value}


def _build_parameters(route: Route, schemas: _Schemas) -> Iterator[dict[str, Any]]:
    for name in route.parameters:
        yield _build_parameter("path", name, {"type": "string", "minLength": 1}, required=True)
    if route.query is not None:
        for name, schema, required in schemas.fields(route.query):
            yield _build_parameter("query", name, schema, required=required)
    known = {"If-None-Match": _IF_NONE_MATCH_DESCRIPTION} if _has_etag(route, 200) else {}
    for name, meaning in (known | dict(route.request_headers)).items():
        yield _build_parameter(
            "header", name, _HEADER_SCHEMAS.get(name, _TEXT_SCHEMA) | {"description": meaning}
        )


def _build_parameter(
    place: str, name: str, schema: Mapping[str, Any], *, required: bool = False
) -> dict[str, Any]:
    rest = {word: value for word, value in schema.items() if word != "description"}
    parameter = {"name": name, "in": place, "required": required, "schema": rest}
    if description := schema.get("description"):
        parameter["description"] = description
    return parameter


def _build_responses(route: Route, schemas: _Schemas) -> Iterator[tuple[str, dict[str, Any]]]:
    for status, shape in sorted(route.answers.items()):
        yield str(status), _build_success(route, status, shape, schemas)
    if _has_etag(route, 200):
        yield (
            "304",
            _build_response(title_of(304), _ETAG_HEADER | dict(route.answer_headers.get(200, {}))),
        )
    for status in sorted(_error_statuses_of(route) - set(route.answers)):
        yield str(status), {"$ref": f"#/components/responses/{_failure_name_of(status)}"}


def _build_success(route: Route, status: int, shape: Any, schemas: _Schemas) -> dict[str, Any]:
    tagged = _ETAG_HEADER if _has_etag(route, status) else {}
    headers = tagged | dict(route.answer_headers.get(status, {}))
    answer = _build_response(title_of(status), headers)
    if _has_schema(shape):
        answer["content"] = {route.produces: {"schema": schemas.of(shape)}}
    elif shape is not None:
        answer["content"] = {route.produces: {}}
    if route.also_produces and status == HTTPStatus.OK:
        answer["content"][route.also_produces] = {"schema": _TEXT_SCHEMA}
    return answer


def _has_etag(route: Route, status: int) -> bool:
    """Whether such a response gets an ETag: a GET with status 200 that is not bytes."""
    return (
        route.method == "GET"
        and status == HTTPStatus.OK
        and route.answers.get(status) not in (None, bytes)
    )


def _build_failures(
    routes: Iterable[Route], schemas: _Schemas
) -> Iterator[tuple[str, dict[str, Any]]]:
    content = {PROBLEM_JSON: {"schema": schemas.of(ProblemDocument)}}
    for status in sorted({status for route in routes for status in _error_statuses_of(route)}):
        meaning = _STATUS_DESCRIPTIONS.get(status, title_of(status))
        answer = _build_response(meaning, _ERROR_HEADERS.get(status, {}))
        yield _failure_name_of(status), answer | {"content": content}


def _failure_name_of(status: int) -> str:
    return title_of(status).replace(" ", "")


def _build_response(description: str, headers: Mapping[str, str]) -> dict[str, Any]:
    described = {
        name: {"description": meaning, "schema": _HEADER_SCHEMAS.get(name, _TEXT_SCHEMA)}
        for name, meaning in headers.items()
    }
    return {"description": description, "headers": _COMMON_HEADERS | described}


def _error_statuses_of(route: Route) -> set[int]:
    statuses = {500, *route.errors}
    if route.auth:
        statuses |= {401, 403} if route.method == "GET" else {401, 403, 415}
    if route.parameters:
        statuses.add(404)
    if route.query is not None:
        statuses.add(400)
    if route.body is not None:
        statuses |= {400, 413, 415, 422}
    return statuses
