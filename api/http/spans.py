"""The span of a request, when traces are on."""

from http import HTTPStatus

from api.http.routing import Request, Route
from project.messages.trace_context import REQUEST_ID, TRACEPARENT
from project.telemetry.tracing import SERVER, TRACING, Span

TOKEN_PARAMETER = "token"  # noqa: S105 - its name


def is_traced(route: Route) -> bool:
    """Whether requests of a route get spans: all but health checks."""
    return "health" not in route.tags


def begin_request(request: Request, route: Route) -> Span:
    """Start the span of a request, in the trace of its client if the client sends one."""
    about = {
        "http.request.method": request.method,
        "http.route": route.template,
        "url.path": hide_token(request, route),
        f"continuo.{REQUEST_ID}": request.id,
    }
    name = f"{route.method} {route.template}"
    return TRACING.start(name, SERVER, request.header(TRACEPARENT), about)


def hide_token(request: Request, route: Route) -> str:
    """The path, or the template of a route whose path has a signed token."""
    return route.template if TOKEN_PARAMETER in request.params else request.path


def end_request(span: Span, status: int) -> None:
    """End the span of a request with the status of its answer."""
    from opentelemetry.trace import StatusCode

    span.set_attribute("http.response.status_code", status)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        span.set_status(StatusCode.ERROR)
    span.end()
