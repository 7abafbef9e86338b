"""Dispatch: everything between Cello and a handler.

Cello has no middleware that works for this, so each route becomes an ``Endpoint``, which
authenticates, parses, calls the handler, encodes its answer, maps errors and logs. What depends
only on the route or the settings is prepared once, when the route is mounted.
"""

import asyncio
import logging
import os
import re
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from time import perf_counter, time
from typing import Any, NamedTuple

import msgspec
from cello import App, Response

from api.http.auth import Keyring
from api.http.cors import Cors
from api.http.etags import build_entity_tag, is_known
from api.http.offload import LARGE_BODY_BYTES, run_apart
from api.http.parsing import BodyReader, QueryReader, require_json_if_any
from api.http.paths import Paths
from api.http.problems import PROBLEM_JSON, Problem, build_unavailable, problem_from
from api.http.routing import Answer, RawRequest, Request, Route, Router
from api.http.shutdown import Drain
from api.http.site import Site
from api.http.sizes import require_small_head
from api.http.spans import begin_request, end_request, is_traced
from api.telemetry import access_log
from api.telemetry.request_metrics import REQUEST_METRICS
from project.errors import ContinuoError
from project.messages.trace_context import REQUEST_ID, TRACE_HEADERS, TRACEPARENT
from project.telemetry.tracing import traceparent_of

ANSWER_SECONDS = 34.0
"""Seconds after which a handler is cancelled; a long poll must be shorter."""

MAX_INSTANCE_CHARACTERS = 2_000
"""The part of a path that a problem document repeats."""

POLICY_HEADER = "Content-Security-Policy"
PAGE_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data:; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
"""The policy of a page that sets none: show text, and send forms to this server."""

_METHODS = ("get", "post", "put", "patch", "delete", "head", "options")
_SAFE_ID = re.compile(r"[A-Za-z0-9._-]{1,64}").fullmatch
_STATUSES_WITHOUT_BODY = frozenset({204, 304})
_SAFE_METHODS = frozenset({"GET", "HEAD"})

_encode = msgspec.json.Encoder().encode
_log = logging.getLogger("api")


class Dispatcher(NamedTuple):
    """What all endpoints share; ``max_body`` is in bytes, ``site`` None checks no caller."""

    keys: Keyring
    drain: Drain
    max_body: int
    cors: Cors = Cors()
    traces: bool = False
    site: Site | None = None

    def mount(self, app: App, router: Router) -> None:
        """Serve ``router`` on ``app``; other paths get a problem document."""
        dispatch = _build_dispatch(router, self)
        for method in _METHODS:
            for path in ("/", "/*path"):
                getattr(app, method)(path)(dispatch)


class Endpoint:
    """A route as Cello calls it."""

    def __init__(self, route: Route, shared: Dispatcher) -> None:
        self._route = route
        self._handler = route.handler
        self._drain = shared.drain
        self._cors = shared.cors if shared.cors.is_enabled else None
        self._traces = shared.traces and is_traced(route)
        self._keys = shared.keys if route.auth and shared.keys.is_required else None
        self._check_host = _choose_host_check(route, shared.site)
        self._site = shared.site if _is_guarded(route) else None
        self._scope = route.required_scope
        self._is_page = route.is_page
        self._cross_tenant = route.cross_tenant
        self._admit = route.admit
        self._query = QueryReader(route.query) if route.query else None
        self._body = build_body_reader(route, shared.max_body)

    async def serve(self, raw: RawRequest, params: dict[str, str]) -> Response:
        """Answer a request; never raises. ``params`` are the decoded path parameters."""
        started = perf_counter()
        self._drain.enter()
        request = Request(
            _read_request_id(raw),
            raw.method,
            raw.path,
            params,
            raw.get_header,
            self._drain.started,
        )
        trace_headers = {REQUEST_ID: request.id}
        span = begin_request(request, self._route) if self._traces else None
        if span:
            trace_headers[TRACEPARENT] = traceparent_of(span)
        token = TRACE_HEADERS.set(trace_headers)
        try:
            response = self._respond(await self._call(request, raw), request)
        except BaseException as error:  # noqa: BLE001 - SystemExit would end the loop under all requests
            response = self._refuse(error, request)
        finally:
            self._drain.leave()
        self._note(request, response.status, perf_counter() - started)
        TRACE_HEADERS.reset(token)
        if span:
            end_request(span, response.status)
        return response

    async def _call(self, request: Request, raw: RawRequest) -> Answer | Response:
        require_small_head(raw)
        if self._check_host:
            self._check_host(request)
        if self._site:
            self._site.require_own_page(request)
        if self._keys:
            request.api_key = self._keys.identify(raw, self._scope, is_page=self._is_page)
            request.tenant = request.api_key.tenant
        if self._cross_tenant and request.tenant:
            raise Problem(403, "This is about the jobs of all, and the API key is of a tenant")
        if self._admit:
            await self._admit(request)
        arguments: dict[str, Any] = {}
        if self._query:
            arguments["query"] = self._query.read(raw.query)
        if self._body:
            text, is_other = self._body.receive(raw)
            request.has_large_body = len(text) > LARGE_BODY_BYTES
            arguments["body"] = await run_apart(
                self._body.parse, text, is_other, is_large=request.has_large_body
            )
        elif self._site:
            require_json_if_any(raw)
        return await self._call_handler(request, arguments)

    async def _call_handler(self, request: Request, arguments: dict[str, Any]) -> Answer | Response:
        timeout = asyncio.timeout(ANSWER_SECONDS)
        try:
            async with timeout:
                return await self._handler(request, **arguments)
        except TimeoutError:
            if timeout.expired():
                raise build_unavailable(f"No answer within {ANSWER_SECONDS:.0f} s") from None
            raise

    def _respond(self, answer: Answer | Response, request: Request) -> Response:
        headers = self._build_headers(request)
        if isinstance(answer, Answer):
            return _build_response(answer, headers, request)
        own = {name.lower() for name in answer.headers}
        for name, value in headers.items():
            if name.lower() not in own:
                answer.set_header(name, value)
        return answer

    def _refuse(self, error: BaseException, request: Request) -> Response:
        problem = problem_from(error, invalid=422 if self._body else 400)
        _report(problem, error)
        headers = {**self._build_headers(request), **problem.headers}
        body = problem.encode(request.path[:MAX_INSTANCE_CHARACTERS], request.id)
        return Response(
            body=body, status=problem.status, headers=headers, content_type=PROBLEM_JSON
        )

    def _build_headers(self, request: Request) -> dict[str, str]:
        headers = {
            "X-Request-ID": request.id,
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "no-referrer",
            "Cache-Control": "no-store",
            **(self._cors.headers(request) if self._cors else {}),
            **request.response_headers,
        }
        if request.shutdown.is_set():
            headers["Connection"] = "close"
        return headers

    def _note(self, request: Request, status: int, seconds: float) -> None:
        REQUEST_METRICS.note(self._route.method, self._route.template, status, seconds)
        line = access_log.AccessLine(
            ts=round(time(), 3),
            method=request.method,
            route=self._route.template,
            status=status,
            ms=round(seconds * 1000, 2),
            request_id=request.id,
            key=request.api_key.name,
        )
        access_log.write_access(line)


def _choose_host_check(route: Route, site: Site | None) -> Callable[[Request], object] | None:
    """What to ask of ``Host``: probes of load balancers use addresses that we do not know."""
    if site is None:
        return None
    return site.require_valid_host if "health" in route.tags else site.require_host


def _is_guarded(route: Route) -> bool:
    """Whether only our own pages may use a route: it changes something, and asks for no link."""
    return route.auth and route.method not in _SAFE_METHODS


def build_body_reader(route: Route, limit: int) -> BodyReader | None:
    """The reader for the body of a route, None when the route has no body."""
    if route.body is None:
        return None
    return BodyReader(route.body, limit, is_needed=route.needs_body, also=route.also)


def _report(problem: Problem, error: BaseException) -> None:
    """Log a status of 500 or more; with a traceback unless the error is one of ours."""
    if problem.status < HTTPStatus.INTERNAL_SERVER_ERROR:
        return
    is_ours = isinstance(error, ContinuoError)
    _log.error(problem.detail, exc_info=None if is_ours else error)


def _read_request_id(raw: RawRequest) -> str:
    sent = raw.get_header("x-request-id")
    return sent if sent and _SAFE_ID(sent) else os.urandom(16).hex()


def _build_response(answer: Answer, headers: dict[str, str], request: Request) -> Response:
    if answer.headers:
        headers |= _check_headers(answer.headers)
    if answer.status in _STATUSES_WITHOUT_BODY:
        return Response(status=answer.status, headers=headers)
    if answer.content_type.startswith("text/html") and POLICY_HEADER not in answer.headers:
        headers[POLICY_HEADER] = PAGE_POLICY
    value = answer.value
    data = value.encode() if isinstance(value, str) else _encode(value)
    if answer.version:
        headers["ETag"] = build_entity_tag(data, answer.version)
    if answer.status == HTTPStatus.OK and request.method in _SAFE_METHODS:
        headers["ETag"] = tag = build_entity_tag(data, answer.version)
        if "Cache-Control" not in answer.headers:
            headers["Cache-Control"] = "private, no-cache"
        known = request.get_header("if-none-match")
        if known and is_known(tag, known):
            return Response(status=304, headers=headers)
    return Response(
        body=data.decode(),
        status=answer.status,
        headers=headers,
        content_type=answer.content_type,
    )


def _check_headers(headers: dict[str, str]) -> dict[str, str]:
    """Raise ``ValueError`` for a line break, which Cello answers with 200 and an error text."""
    for name, value in headers.items():
        if not (value.isascii() and value.isprintable()):
            raise ValueError(f"not a header value: {name}: {value!r}")
    return headers


def _build_dispatch(
    router: Router, shared: Dispatcher
) -> Callable[[RawRequest], Awaitable[Response]]:
    paths: Paths[Endpoint] = Paths()
    literal: dict[tuple[str, str], tuple[Endpoint, dict[str, str]]] = {}
    for route in router.routes:
        endpoint = Endpoint(route, shared)
        for method in ("GET", "HEAD") if route.method == "GET" else (route.method,):
            paths.add(method, route.template, endpoint)
            if not route.parameters:
                literal[method, route.template] = endpoint, {}
    fallback: tuple[Endpoint, dict[str, str]] = Endpoint(_build_fallback_route(router), shared), {}

    async def dispatch(raw: RawRequest) -> Response:
        method, path = raw.method, raw.path
        endpoint, params = literal.get((method, path)) or paths.find(method, path) or fallback
        return await endpoint.serve(raw, params)

    return dispatch


def _build_fallback_route(router: Router) -> Route:
    """The route for all other requests: OPTIONS, 405 on a path that exists, else 404."""

    async def answer(request: Request) -> Answer:
        allowed = router.allowed(request.path)
        if not allowed:
            raise Problem(404, f"There is nothing at {request.path}")
        allow = {"Allow": ", ".join(allowed)}
        if request.method == "OPTIONS":
            return Answer(status=204, headers=allow)
        raise Problem(
            405, f"{request.method} does not work here; {allow['Allow']} do", headers=allow
        )

    return Route(method="*", template="*", handler=answer, auth=False)
