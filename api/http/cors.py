"""Which web pages elsewhere may use the API from a browser (CORS, in the Fetch standard)."""

from collections.abc import Iterable

from api.http.routing import Request

ANY_ORIGIN = "*"
MAX_AGE_SECONDS = "600"
"""Seconds a browser may remember what it was allowed."""

ALLOWED_HEADERS = (
    "Authorization, Content-Type, Idempotency-Key, If-None-Match, Last-Event-ID, Prefer, X-API-Key"
)
EXPOSED_HEADERS = (
    "ETag, Idempotent-Replayed, Link, Location, Preference-Applied, Retry-After, X-Request-ID"
)


class Cors:
    """The origins whose pages may call; none are allowed unless they are named."""

    def __init__(self, origins: Iterable[str] = ()) -> None:
        self._origins = frozenset(origins)

    def headers(self, request: Request) -> dict[str, str]:
        """What to say to a page with each answer."""
        origin = request.header("origin")
        if not origin or not self._origins & {origin, ANY_ORIGIN}:
            return {"Vary": "Origin"} if self._origins else {}
        headers = {
            "Vary": "Origin",
            "Access-Control-Allow-Origin": origin,
            "Access-Control-Expose-Headers": EXPOSED_HEADERS,
        }
        if request.method == "OPTIONS" and request.header("access-control-request-method"):
            headers |= {
                "Access-Control-Allow-Methods": "GET, HEAD, POST, PUT, PATCH, DELETE",
                "Access-Control-Allow-Headers": ALLOWED_HEADERS,
                "Access-Control-Max-Age": MAX_AGE_SECONDS,
            }
        return headers
