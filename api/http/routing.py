"""Routes: the table of routes, the request that a handler gets, the answer that it returns.

::

    router = Router()

    @router.post("/reports", body=ReportOrder, answers={202: TaskRecord}, summary="Order a report")
    async def order_report(request: Request, body: ReportOrder) -> Answer: ...

    @router.get("/reports", query=ReportFilter, answers={200: Page}, summary="List reports")
    async def list_reports(request: Request, query: ReportFilter) -> Answer: ...

``api.http.dispatch`` runs these routes on Cello; ``api.docs.openapi`` describes them.
"""

from asyncio import Event
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any, Protocol, TypedDict, Unpack

import msgspec
from cello import Response

from api.http.paths import Paths, parse_parameter_names
from project.settings.api_keys import ANONYMOUS, ApiKey

RawResponse = Response
"""Cello's response: for routes whose answer is no ``Answer``, such as the bytes of a file."""


class RawRequest(Protocol):
    """The attributes of a Cello request that are used here."""

    @property
    def method(self) -> str:
        """GET, POST, ..."""

    @property
    def path(self) -> str:
        """The path as sent: percent-encoded, without the query."""

    @property
    def query(self) -> dict[str, str]:
        """The decoded query parameters; of a repeated name the last value."""

    @property
    def headers(self) -> dict[str, str]:
        """Lower-case names and values."""

    def get_header(self, key: str, /) -> str | None:
        """The header's value, whatever the case of its name."""

    def text(self) -> str:
        """The body; ``ValueError`` when it is not UTF-8."""

    def body(self) -> Iterable[int]:
        """The bytes of the body as they were sent."""


class Request(msgspec.Struct, eq=False):
    """A request as a handler sees it; made once per request, so it computes nothing.

    ``id`` names the request in the log and in the answer. ``params`` are the decoded values of the
    placeholders in the path template. ``get_header`` returns the value of a header, in any case of
    its name; None when it was not sent, "" when it is not text. ``shutdown`` is set when this
    process shuts down. ``api_key`` is the key of the caller and ``tenant`` its tenant, "" for all
    tenants. ``response_headers`` are added to the answer, errors included. What checks the body
    when ``has_large_body`` goes through ``api.http.offload.run_apart``.
    """

    id: str
    method: str
    path: str
    params: dict[str, str]
    get_header: Callable[[str], str | None]
    shutdown: Event
    api_key: ApiKey = ANONYMOUS
    tenant: str = ""
    response_headers: dict[str, str] = {}
    has_large_body: bool = False

    @property
    def caller(self) -> str:
        """The name that rate limits and idempotency keys are kept under: key and tenant."""
        return f"{self.api_key.name}@{self.tenant}" if self.tenant else self.api_key.name

    def header(self, name: str) -> str:
        """The value of a header, "" when it was not sent."""
        return self.get_header(name) or ""


class Answer(msgspec.Struct, frozen=True):
    """What a handler returns.

    ``value`` is encoded as JSON. A ``str`` is sent unchanged: encoded JSON, or text of another
    ``content_type``. ``headers`` take precedence over those that every answer gets. ``version``
    names the version of what is shown: the ETag begins with it, and ``If-Match`` compares it.
    """

    value: Any = None
    status: int = 200
    headers: dict[str, str] = {}
    content_type: str = "application/json"
    version: str = ""


Handler = Callable[..., Awaitable[Answer | Response]]
"""Called with the ``Request``, and with ``query=`` and ``body=`` when the route has them.

It returns a Cello ``Response`` for what an ``Answer`` cannot carry: bytes.
"""


class RouteOptions(TypedDict, total=False):
    """The options of a route; see ``Route``."""

    body: Any
    also: str
    needs_body: bool
    query: type[msgspec.Struct]
    auth: bool
    scope: str
    cross_tenant: bool
    is_page: bool
    answers: Mapping[int, Any]
    errors: Sequence[int]
    produces: str
    also_produces: str
    request_headers: Mapping[str, str]
    answer_headers: Mapping[int, Mapping[str, str]]
    operation: str
    summary: str
    description: str
    tags: Sequence[str]
    hidden: bool


AdmitHook = Callable[[Request], Awaitable[None]]
"""Called after authentication, before the body is read; raises ``Problem`` to refuse."""


class Route(msgspec.Struct, frozen=True, kw_only=True):
    """One method on one path template.

    ``body`` is the type of the JSON body, which is optional when ``needs_body`` is false; ``also``
    is a further media type, whose body the handler gets as text. ``query`` is the Struct of the
    query string. ``auth`` is whether an API key is required, ``scope`` the scope it must have ("":
    see ``required_scope``), ``cross_tenant`` whether the route shows jobs of all tenants, which
    refuses the key of a tenant, ``is_page`` whether a browser opens it by itself and has to ask for
    the key.

    The rest describes the route in OpenAPI: ``answers`` is status -> type of the answer, several
    in a tuple; ``errors`` the statuses that the handler raises beyond those of ``dispatch``;
    ``produces`` the media type and ``also_produces`` another one; ``request_headers`` name ->
    meaning; ``answer_headers`` status -> name -> meaning; ``operation`` the operation id, "" for
    the name of the handler.
    """

    method: str
    template: str
    handler: Handler
    admit: AdmitHook | None = None
    body: Any = None
    also: str = ""
    needs_body: bool = True
    query: type[msgspec.Struct] | None = None
    auth: bool = True
    scope: str = ""
    cross_tenant: bool = False
    is_page: bool = False
    answers: Mapping[int, Any] = {}
    errors: Sequence[int] = (503,)
    produces: str = "application/json"
    also_produces: str = ""
    request_headers: Mapping[str, str] = {}
    answer_headers: Mapping[int, Mapping[str, str]] = {}
    operation: str = ""
    summary: str = ""
    description: str = ""
    tags: Sequence[str] = ()
    hidden: bool = False

    @property
    def required_scope(self) -> str:
        """The scope that an API key must have: by default "read" for GET, else "submit"."""
        return self.scope or ("read" if self.method == "GET" else "submit")

    @property
    def parameters(self) -> list[str]:
        """The names of the placeholders in the template."""
        return parse_parameter_names(self.template)


Decorator = Callable[[Handler], Handler]


class Router:
    """A table of routes, in the order in which they were added."""

    def __init__(self) -> None:
        self.routes: list[Route] = []
        self._paths: Paths[Route] = Paths()

    def get(self, template: str, **options: Unpack[RouteOptions]) -> Decorator:
        """Add the decorated handler for GET and HEAD."""
        return self._route("GET", template, options)

    def post(self, template: str, **options: Unpack[RouteOptions]) -> Decorator:
        """Add the decorated handler for POST."""
        return self._route("POST", template, options)

    def put(self, template: str, **options: Unpack[RouteOptions]) -> Decorator:
        """Add the decorated handler for PUT."""
        return self._route("PUT", template, options)

    def patch(self, template: str, **options: Unpack[RouteOptions]) -> Decorator:
        """Add the decorated handler for PATCH."""
        return self._route("PATCH", template, options)

    def delete(self, template: str, **options: Unpack[RouteOptions]) -> Decorator:
        """Add the decorated handler for DELETE."""
        return self._route("DELETE", template, options)

    def include(self, other: "Router") -> None:
        """Add the routes of ``other``."""
        for route in other.routes:
            self.add(route)

    def add(self, route: Route) -> None:
        """Add a route. Raises ``ValueError`` for a second route of a method and template."""
        self._paths.add(route.method, route.template, route)
        self.routes.append(route)

    def find(self, method: str, path: str) -> Route | None:
        """The route for a method and a path, None when there is none."""
        match = self._paths.find(method, path)
        return match and match[0]

    def allowed(self, path: str) -> list[str]:
        """The methods that work on ``path``, sorted; empty when no route matches."""
        methods = self._paths.methods(path)
        if "GET" in methods:
            methods.add("HEAD")
        return sorted(methods | {"OPTIONS"}) if methods else []

    def _route(self, method: str, template: str, options: RouteOptions) -> Decorator:
        def add(handler: Handler) -> Handler:
            self.add(Route(method=method, template=template, handler=handler, **options))
            return handler

        return add
