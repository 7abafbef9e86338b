"""How many requests each API key may make, counted in Redis for all processes together."""

from math import ceil
from typing import Any

import msgspec

from api.edge import Answer, Request, Route, Router
from api.problems import Problem
from project import moves
from project.celery import app
from project.moves import Pass

WINDOW = 60
"""Seconds that a limit is about."""


def limited(router: Router, limit: int) -> Router:
    """The same routes, those that ask for a key with a limit of requests a minute; 0 is none."""
    if not limit:
        return router
    result = Router()
    for route in router.routes:
        result.add(with_limit(route, limit) if route.auth else route)
    return result


def with_limit(route: Route, limit: int) -> Route:
    """The route, answering 429 when its caller has made too many requests."""

    async def handle(request: Request, **said: Any) -> Any:
        passed = await app.async_store.run(moves.admit(request.key_name, limit, WINDOW))
        headers = tell(passed, limit)
        if not passed.is_admitted:
            headers["Retry-After"] = str(ceil(passed.wait))
            raise Problem(429, f"More than {limit} requests in {WINDOW} s", headers=headers)
        answer = await route.handler(request, **said)
        if isinstance(answer, Answer):
            return msgspec.structs.replace(answer, headers=headers | answer.headers)
        return answer

    handle.__name__ = route.handler.__name__
    return msgspec.structs.replace(route, handler=handle, errors=(*route.errors, 429))


def tell(passed: Pass, limit: int) -> dict[str, str]:
    """The headers of the IETF's draft on rate limits."""
    return {
        "RateLimit-Policy": f'"default";q={limit};w={WINDOW}',
        "RateLimit": f'"default";r={passed.left};t={ceil(passed.reset)}',
    }
