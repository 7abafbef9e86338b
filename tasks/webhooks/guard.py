"""Restricts calls to the public internet and to the exceptions in CONTINUO_WEBHOOK_ALLOW.

Only one plain form of a URL is accepted, so that no two parsers can disagree on its host. A name
is looked up once, and the call goes to exactly the addresses that were checked. This prevents
DNS rebinding.
"""

import re
import socket
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from queue import Empty, Queue
from threading import Thread
from typing import NamedTuple, NoReturn

from project.errors import InvalidField, PermanentError
from tasks.webhooks.deadline import Deadline
from tasks.webhooks.settings import IS_HOST_NAME, get_webhook_settings

type IpAddress = IPv4Address | IPv6Address

DEFAULT_PORTS = {"http": 80, "https": 443}
FIRST_FREE_PORT = 1_024
LAST_PORT = 65_535

MAX_URL_CHARACTERS = 2_000
_URL = re.compile(
    r"(?P<scheme>https?)://"
    r"(?P<host>\[[0-9a-f:.]+\]|[a-z0-9._-]+)"
    r"(?::(?P<port>[1-9][0-9]{0,4}))?"
    r'(?P<path>(?:[/?][!"$-\[\]-~]*)?)',  # visible ASCII without # and \
    re.ASCII | re.IGNORECASE,
)

GLOBAL_IPV6 = IPv6Network("2000::/3")
"""The allocated part of IPv6; loopback, local and mapped addresses are outside of it."""

NAT64 = IPv6Network("64:ff9b::/96")
"""On networks without IPv4, the last 32 bits of such an address are an IPv4 address."""

NOT_PUBLIC_NETWORKS = (
    IPv4Network("168.63.129.16/32"),  # internal address of Azure for all virtual machines
    IPv4Network("192.0.0.0/24"),  # protocol assignments (RFC 6890)
    IPv4Network("192.88.99.0/24"),  # 6to4 relays
    IPv6Network("2001::/32"),  # Teredo: contains an IPv4 address
    IPv6Network("2002::/16"),  # 6to4: contains an IPv4 address
    IPv6Network("3fff::/20"),  # documentation
)
"""Networks that ``is_global`` accepts in at least some versions of Python."""


class CallTarget(NamedTuple):
    """The parts of a URL. ``str()`` leaves out path and query, which may contain secrets."""

    scheme: str
    host: str
    port: int
    path: str

    @property
    def authority(self) -> str:
        """The value of the ``Host`` header."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"

    def __str__(self) -> str:
        return f"{self.scheme}://{self.authority}"


def parse_url(url: str) -> CallTarget:
    """Parse a URL. Raises ``InvalidField`` for ``url``, which never repeats the URL.

    An IP address in the URL must be allowed. Names are looked up by ``look_up_addresses``.
    """
    match = _URL.fullmatch(url) if len(url) <= MAX_URL_CHARACTERS else None
    if match is None:
        refuse_url(
            f"must be http:// or https:// and a host, with an optional port, path and query: "
            f"ASCII, at most {MAX_URL_CHARACTERS} characters, no user:password@, no #"
        )
    scheme, host = match["scheme"].lower(), match["host"].lower()
    path = match["path"] if match["path"].startswith("/") else f"/{match['path']}"
    return CallTarget(scheme, _parse_host(host), _parse_port(match["port"], scheme), path)


def look_up_addresses(target: CallTarget, deadline: Deadline) -> list[str]:
    """Look up the target. Raises ``PermanentError`` if any of its addresses is not allowed.

    Raises ``OSError`` when the look-up fails and ``TimeoutError`` when it takes too long.
    """
    addresses = _look_up(target, deadline)
    if not all(is_allowed(target.host, ip_address(address)) for address in addresses):
        raise PermanentError(f"{target.host} is not on the public internet; it was not called")
    return addresses


def is_allowed(host: str, address: IpAddress) -> bool:
    """Return whether a host with this address may be called."""
    exceptions = get_webhook_settings().exceptions
    return (
        is_public(address)
        or host in exceptions.names
        or any(address in network for network in exceptions.networks)
    )


def is_public(address: IpAddress) -> bool:
    """Return whether an address is a public unicast address."""
    if isinstance(address, IPv6Address) and address in NAT64:
        return is_public(IPv4Address(int(address) & 0xFFFFFFFF))
    if isinstance(address, IPv6Address) and address not in GLOBAL_IPV6:
        return False
    if any(address in network for network in NOT_PUBLIC_NETWORKS):
        return False
    return address.is_global and not address.is_multicast


def refuse_url(problem: str) -> NoReturn:
    """Raise ``InvalidField`` for ``url``."""
    raise InvalidField("url", problem)


def _parse_port(text: str | None, scheme: str) -> int:
    port = int(text) if text else DEFAULT_PORTS[scheme]
    if port not in DEFAULT_PORTS.values() and not FIRST_FREE_PORT <= port <= LAST_PORT:
        refuse_url(f"its port must be 80, 443, or {FIRST_FREE_PORT} to {LAST_PORT}")
    return port


def _parse_host(text: str) -> str:
    """Return a name, or an address without brackets."""
    if IS_HOST_NAME(text):
        return text
    try:
        address = ip_address(text.strip("[]"))
    except ValueError:
        refuse_url("its host must be a name, or an address such as 203.0.113.7 or [2001:db8::7]")
    normal = f"[{address}]" if isinstance(address, IPv6Address) else str(address)
    if text != normal:
        refuse_url(f"its host must be written {normal}")
    if not is_allowed(str(address), address):
        refuse_url("its host is not on the public internet")
    return str(address)


def _look_up(target: CallTarget, deadline: Deadline) -> list[str]:
    """Return the addresses of a host, without duplicates, in the order to try them.

    The look-up of the system has no timeout, so it runs in a thread that may be abandoned.
    """
    answers: Queue[list[str] | OSError] = Queue()

    def look_up() -> None:
        try:
            places = socket.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)
        except OSError as error:
            answers.put(error)
        else:
            answers.put(list(dict.fromkeys(str(place[4][0]) for place in places)))

    Thread(target=look_up, daemon=True).start()
    try:
        answer = answers.get(timeout=deadline.seconds_left())
    except Empty:
        raise TimeoutError from None
    if isinstance(answer, OSError):
        raise answer
    return answer
