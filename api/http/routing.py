"""What a route is made of: the table of routes, the request it gets, the answer it gives.

::

    router = Router()

    @router.post("/reports", body=ReportOrder, answers={202: TaskRecord}, summary="Order a report")
    async def order_report(request: Request, body: ReportOrder) -> Answer: ...

    @router.get("/reports", query=ReportFilter, answers={200: Page}, summary="List reports")
    async def list_reports(request: Request, query: ReportFilter) -> Answer: ...

``api.http.dispatch`` runs these routes on Cello; ``api.docs.openapi`` describes them.
"""

from asyncio import Event
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Protocol, TypedDict, Unpack

import msgspec
from cello import Response

from api.http.paths import Paths, parse_parameter_names
from project.settings.api_keys import ANONYMOUS

RawResponse = Response
"""Cello's response: for routes whose answer is no ``Answer``, such as the bytes of a file."""


class RawRequest(Protocol):
    """The parts of a Cello request that are used here."""

    @property
    def method(self) -> str:
        """GET, POST, ..."""

    @property
    def path(self) -> str:
        """As sent: percent-encoded, without the query."""

    @property
    def query(self) -> dict[str, str]:
        """Decoded; the last one counts when a name comes twice."""

    def get_header(self, key: str, /) -> str | None:
        """The header's value, whatever the case of its name."""

    def text(self) -> str:
        """The body; ``ValueError`` when it is not UTF-8."""


class Request:
    """A request as a handler sees it.

    ``id`` names it in the log and in the answer; ``params`` are the decoded
    places of the path template; ``holder`` says whose API key it came with,
    nobody's when none is asked for; ``leaving`` is set when this process is about to end;
    ``told`` are headers that its answer gets, whatever that is.
    """

    __slots__ = ("_raw", "holder", "id", "params", "response_headers", "shutdown")

    def __init__(
        self, raw: RawRequest, request_id: str, params: dict[str, str], leaving: Event
    ) -> None:
        self._raw = raw
        self.shutdown = leaving
        self.id = request_id
        self.params = params
        self.holder = ANONYMOUS
        self.response_headers: dict[str, str] = {}

    @property
    def key_name(self) -> str:
        """The name of the API key, "" when none is asked for."""
        return self.holder.name

    @property
    def tenant(self) -> str:
        """Whose jobs it is about: "" is everybody's."""
        return self.holder.tenant

    @property
    def caller(self) -> str:
        """Who is told apart from others: the key's name, that of its tenant with it."""
        return f"{self.key_name}@{self.tenant}" if self.tenant else self.key_name

    @property
    def method(self) -> str:
        """GET, HEAD, POST, ..."""
        return self._raw.method

    @property
    def path(self) -> str:
        """The path as sent, without the query."""
        return self._raw.path

    def header(self, name: str) -> str:
        """The value of a header, "" when it was not sent."""
        return self._raw.get_header(name) or ""

    def find_header(self, name: str) -> str | None:
        """The same, None when it was not sent; "" when it is not text."""
        return self._raw.get_header(name)


class Answer(msgspec.Struct, frozen=True):
    """What a handler gives back.

    ``value`` is encoded as JSON, except a ``str``, which is sent as it is: JSON
    that is already encoded, or text of another ``content_type``. ``headers``
    win over those that every answer gets.
    """

    value: Any = None
    status: int = 200
    headers: dict[str, str] = {}
    content_type: str = "application/json"


Handler = Callable[..., Awaitable[Answer | Response]]
"""Called with the ``Request``, and with ``query=`` and ``body=`` when the route has them.

It gives a Cello ``Response`` for what an ``Answer`` cannot carry: bytes.
"""


class RouteOptions(TypedDict, total=False):
    """What can be said about a route. All but the first three only describes it."""

    body: Any
    also: str
    needs_body: bool
    query: type[msgspec.Struct]
    auth: bool
    scope: str
    cross_tenant: bool
    answers: Mapping[int, Any]
    errors: Sequence[int]
    produces: str
    also_produces: str
    request_headers: Mapping[str, str]
    answer_headers: Mapping[int, Mapping[str, str]]
    summary: str
    description: str
    tags: Sequence[str]
    hidden: bool


AdmitHook = Callable[[Request], Awaitable[None]]
"""Called when it is known whose request it is, before it is read; raises ``Problem`` to refuse."""


class Route(msgspec.Struct, frozen=True, kw_only=True):
    """One method on one path template.

    ``body`` is the type of the JSON body, which may be left out where ``needs_body`` is false;
    ``also`` another media type it may be in (it is a text then); ``query`` the Struct of the query
    string, ``auth`` whether an API key is needed and ``scope`` what it must open ("" for what
    the method says), ``cross_tenant`` whether it tells of everybody's jobs: not for a tenant's key.
    For the description:
    ``answers`` is status -> type of the answer, several in a tuple, ``errors`` the statuses the
    handler raises beyond those the edge does, ``produces`` the media type and
    ``also_produces`` another one, ``request_headers`` name -> meaning, ``answer_headers``
    status -> name -> meaning.
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
    answers: Mapping[int, Any] = {}
    errors: Sequence[int] = (503,)
    produces: str = "application/json"
    also_produces: str = ""
    request_headers: Mapping[str, str] = {}
    answer_headers: Mapping[int, Mapping[str, str]] = {}
    summary: str = ""
    description: str = ""
    tags: Sequence[str] = ()
    hidden: bool = False

    @property
    def required_scope(self) -> str:
        """The scope an API key must have: to read for GET, else to submit, if none is named."""
        return self.scope or ("read" if self.method == "GET" else "submit")

    @property
    def parameters(self) -> list[str]:
        """The names of the places in the template."""
        return parse_parameter_names(self.template)


Decorator = Callable[[Handler], Handler]


class Router:
    """A table of routes, in the order they were added."""

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
        """Add one route; ``ValueError`` when there is one, or its template is not one."""
        self._paths.add(route.method, route.template, route)
        self.routes.append(route)

    def find(self, method: str, path: str) -> Route | None:
        """The route for exactly this method and path."""
        found = self._paths.find(method, path)
        return found and found[0]

    def allowed(self, path: str) -> list[str]:
        """The methods that work on ``path``; none when nothing is there."""
        methods = self._paths.methods(path)
        if "GET" in methods:
            methods.add("HEAD")
        return sorted(methods | {"OPTIONS"}) if methods else []

    def _route(self, method: str, template: str, options: RouteOptions) -> Decorator:
        def add(handler: Handler) -> Handler:
            self.add(Route(method=method, template=template, handler=handler, **options))
            return handler

        return add
