"""Rate limits per API key, counted in Redis for all processes together."""

from math import ceil

import msgspec

from api.http.problems import Problem
from api.http.routing import Request, Route, Router
from project.celery import app
from project.store.commands import rate_limits
from project.store.commands.rate_limits import Admission

WINDOW_SECONDS = 60
"""The length of a window in seconds."""

HEADERS = {
    "RateLimit-Policy": "How many requests (q) in how many seconds (w).",
    "RateLimit": "How many are left (r), and in how many seconds (t) all are again.",
}


def limit_routes(router: Router, limit: int) -> Router:
    """The routes with a limit of requests per minute on those that need a key; 0 is no limit."""
    if not limit:
        return router
    result = Router()
    for route in router.routes:
        result.add(limit_route(route, limit) if route.auth else route)
    return result


def limit_route(route: Route, limit: int) -> Route:
    """The route, which answers 429 when its caller is over the limit."""

    async def admit(request: Request) -> None:
        command = rate_limits.admit(request.caller, limit, WINDOW_SECONDS)
        admission = await app.async_store.run(command)
        request.response_headers |= build_headers(admission, limit)
        if not admission.is_admitted:
            again = {"Retry-After": str(ceil(admission.wait))}
            raise Problem(429, f"More than {limit} requests in {WINDOW_SECONDS} s", headers=again)

    described = {
        status: {**HEADERS, **route.answer_headers.get(status, {})} for status in route.answers
    }
    return msgspec.structs.replace(
        route, admit=admit, errors=(*route.errors, 429), answer_headers=described
    )


def build_headers(admission: Admission, limit: int) -> dict[str, str]:
    """The headers of the IETF draft on rate limit headers."""
    return {
        "RateLimit-Policy": f'"default";q={limit};w={WINDOW_SECONDS}',
        "RateLimit": f'"default";r={admission.left};t={ceil(admission.reset)}',
    }
