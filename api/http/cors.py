"""CORS (Fetch standard): which web pages of other origins may call the API."""

from collections.abc import Iterable

from api.http.routing import Request

ANY_ORIGIN = "*"
MAX_AGE_SECONDS = "600"
"""Seconds for which a browser may cache a preflight answer."""

ALLOWED_HEADERS = (
    "Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match, Last-Event-ID, Prefer, "
    "X-API-Key"
)
EXPOSED_HEADERS = (
    "ETag, Idempotent-Replayed, Link, Location, Preference-Applied, Retry-After, X-Request-ID"
)


class Cors:
    """The allowed origins; ``*`` allows all, no origins turns CORS off."""

    def __init__(self, origins: Iterable[str] = ()) -> None:
        self._origins = frozenset(origins)

    @property
    def is_enabled(self) -> bool:
        """Whether any origin is allowed."""
        return bool(self._origins)

    def allows(self, origin: str) -> bool:
        """Whether pages of an origin may call the API."""
        return not self._origins.isdisjoint((origin, ANY_ORIGIN))

    def headers(self, request: Request) -> dict[str, str]:
        """The CORS headers of the answer to a request."""
        origin = request.header("origin")
        if not origin or not self.allows(origin):
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
