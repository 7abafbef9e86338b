"""Protects the API from foreign web pages in the browser of someone who may use it.

Without API keys every program on this machine may use the API, so every page in a browser on it
could. A page of another origin can send simple requests without asking; a page whose name is made
to point to this machine (DNS rebinding) could even read the answers.
"""

import re
from collections.abc import Iterable
from functools import lru_cache
from ipaddress import ip_address
from urllib.parse import urlsplit

from api.http.cors import Cors
from api.http.problems import Problem
from api.http.routing import Request

ANY_HOST = "*"
KNOWN_HOSTS = 256
"""Values of ``Host`` that are not looked at again."""

OWN_SITES = frozenset({"", "same-origin", "none"})
"""Values of ``Sec-Fetch-Site`` of our own pages, and of programs that are no browser."""

_HOST = re.compile(r"(\[[0-9a-f:.]+\]|[a-z0-9_.-]+)(?::[0-9]{1,5})?", re.ASCII | re.IGNORECASE)


class Site:
    """The names of this API, and the pages that may change something.

    ``hosts`` are names besides those of this machine and of ``public_url``; ``*`` allows all.
    Pages of the origins in ``cors`` may do what our own pages may.
    """

    def __init__(self, hosts: Iterable[str], cors: Cors, public_url: str = "") -> None:
        public = urlsplit(public_url)
        self._hosts = frozenset(hosts) | {public.hostname or "localhost"}
        self._public_origin = f"{public.scheme}://{public.netloc}".lower()
        self._cors = cors
        self._find_name = lru_cache(KNOWN_HOSTS)(parse_host)
        self._is_ours = lru_cache(KNOWN_HOSTS)(self._compare)

    def require_valid_host(self, request: Request) -> str:
        """The name in ``Host``. Raises ``Problem`` 400 when it is missing, twice or malformed."""
        name = self._find_name(request.header("host"))
        if not name:
            raise Problem(400, "Send exactly one Host header, with a host name and perhaps a port")
        return name

    def require_host(self, request: Request) -> None:
        """Raise ``Problem`` 421 unless ``Host`` is a name of this API, 400 when it is not valid."""
        name = self.require_valid_host(request)
        if not self._is_ours(name):
            raise Problem(
                421,
                f"This API does not answer for the host {name}: use an address of this machine or "
                "the host of PUBLIC_URL, or add the name to CONTINUO_HOSTS",
            )

    def require_own_page(self, request: Request) -> None:
        """Raise ``Problem`` 403 when a page of another origin sent a request."""
        origin, site = request.header("origin"), request.header("sec-fetch-site")
        if origin and self._cors.allows(origin):
            return
        is_hidden = origin == "null" and site == "same-origin"  # our pages send no referrer
        is_own = not origin or is_hidden or self._is_own_origin(origin, request.header("host"))
        if not is_own or site not in OWN_SITES:
            raise Problem(
                403,
                "A page of another origin may change nothing here: add its origin to "
                "CONTINUO_CORS_ORIGINS if it should",
            )

    def _compare(self, name: str) -> bool:
        return name in self._hosts or ANY_HOST in self._hosts or is_this_machine(name)

    def _is_own_origin(self, origin: str, host: str) -> bool:
        origin = origin.lower()
        own = host.lower()
        return origin in {f"http://{own}", f"https://{own}", self._public_origin}


def parse_host(value: str) -> str:
    """The lower-case name in a ``Host`` header, without port and brackets; "" if malformed."""
    match = _HOST.fullmatch(value)
    return match[1].lower().strip("[]").rstrip(".") if match else ""


def is_this_machine(name: str) -> bool:
    """Whether a name is one of this machine for itself: localhost or a loopback address."""
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return False
