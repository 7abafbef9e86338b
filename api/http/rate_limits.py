"""How many requests each API key may make, counted in Redis for all processes together."""

from math import ceil

import msgspec

from api.http.problems import Problem
from api.http.routing import Request, Route, Router
from project.celery import app
from project.store.commands import rate_limits
from project.store.commands.rate_limits import Admission

WINDOW_SECONDS = 60
"""Seconds that a limit is about."""

HEADERS = {
    "RateLimit-Policy": "How many requests (q) in how many seconds (w).",
    "RateLimit": "How many are left (r), and in how many seconds (t) all are again.",
}


def limit_routes(router: Router, limit: int) -> Router:
    """The same routes, those that ask for a key with a limit of requests a minute; 0 is none."""
    if not limit:
        return router
    result = Router()
    for route in router.routes:
        result.add(limit_route(route, limit) if route.auth else route)
    return result


def limit_route(route: Route, limit: int) -> Route:
    """The route, answering 429 when its caller has made too many requests."""

    async def admit(request: Request) -> None:
        passed = await app.async_store.run(rate_limits.admit(request.caller, limit, WINDOW_SECONDS))
        request.response_headers |= build_headers(passed, limit)
        if not passed.is_admitted:
            again = {"Retry-After": str(ceil(passed.wait))}
            raise Problem(429, f"More than {limit} requests in {WINDOW_SECONDS} s", headers=again)

    described = {
        status: {**HEADERS, **route.answer_headers.get(status, {})} for status in route.answers
    }
    return msgspec.structs.replace(
        route, admit=admit, errors=(*route.errors, 429), answer_headers=described
    )


def build_headers(passed: Admission, limit: int) -> dict[str, str]:
    """The headers of the IETF's draft on rate limits."""
    return {
        "RateLimit-Policy": f'"default";q={limit};w={WINDOW_SECONDS}',
        "RateLimit": f'"default";r={passed.left};t={ceil(passed.reset)}',
    }
