"""Where a call may go: to the public internet, and to what CONTINUO_WEBHOOK_ALLOW names.

A URL has one plain form and everything else is refused, so that no two readers can take
it for different hosts. A name is looked up once; the call goes to the very addresses that
were checked, so the name cannot mean something else a moment later (DNS rebinding).
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
    r'(?P<path>(?:[/?][!"$-\[\]-~]*)?)',  # visible ASCII but # and \
    re.ASCII | re.IGNORECASE,
)

GLOBAL_IPV6 = IPv6Network("2000::/3")
"""All that is handed out of IPv6 to reach each other; loopback, local and mapped are elsewhere."""

NAT64 = IPv6Network("64:ff9b::/96")
"""Holds an IPv4 address in its last 32 bits, on networks that have no IPv4 of their own."""

NOT_PUBLIC_NETWORKS = (
    IPv4Network("168.63.129.16/32"),  # the inside of a cloud (Azure), for all its machines
    IPv4Network("192.0.0.0/24"),  # protocols between neighbours
    IPv4Network("192.88.99.0/24"),  # relays to 6to4
    IPv6Network("2001::/32"),  # Teredo, which wraps an IPv4 address
    IPv6Network("2002::/16"),  # 6to4, the same
    IPv6Network("3fff::/20"),  # for documentation
)
"""What ``is_global`` lets pass, at least in some versions of Python."""


class CallTarget(NamedTuple):
    """A URL taken apart. As text it is only what may be shown: no path and no query."""

    scheme: str
    host: str
    port: int
    path: str

    @property
    def authority(self) -> str:
        """What the ``Host`` header says."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"

    def __str__(self) -> str:
        return f"{self.scheme}://{self.authority}"


def parse_url(url: str) -> CallTarget:
    """Take a URL apart. Raises ``InvalidField("url")``, which never repeats it.

    An address in it must be one that may be called; ``look_up_addresses`` looks up names.
    """
    found = _URL.fullmatch(url) if len(url) <= MAX_URL_CHARACTERS else None
    if found is None:
        refuse(
            f"must be http:// or https://, a host, then port, path and query if needed: "
            f"ASCII, at most {MAX_URL_CHARACTERS} characters, no user:password@, no #"
        )
    scheme, host = found["scheme"].lower(), found["host"].lower()
    path = found["path"] if found["path"].startswith("/") else f"/{found['path']}"
    return CallTarget(scheme, _parse_host(host), _parse_port(found["port"], scheme), path)


def look_up_addresses(target: CallTarget, deadline: Deadline) -> list[str]:
    """Where the target is. Raises ``PermanentError`` if any of it may not be called.

    ``OSError`` when the name cannot be looked up, ``TimeoutError`` when that takes too long.
    """
    found = _look_up(target, deadline)
    if not all(is_allowed(target.host, ip_address(address)) for address in found):
        raise PermanentError(f"{target.host} is not on the public internet, it is not called")
    return found


def is_allowed(host: str, address: IpAddress) -> bool:
    """Whether a host with this address may be called."""
    allowed = get_webhook_settings().exceptions
    return (
        is_public(address)
        or host in allowed.names
        or any(address in network for network in allowed.networks)
    )


def is_public(address: IpAddress) -> bool:
    """Whether an address is one of the public internet, and of one machine."""
    if isinstance(address, IPv6Address) and address in NAT64:
        return is_public(IPv4Address(int(address) & 0xFFFFFFFF))
    if isinstance(address, IPv6Address) and address not in GLOBAL_IPV6:
        return False
    if any(address in network for network in NOT_PUBLIC_NETWORKS):
        return False
    return address.is_global and not address.is_multicast


def refuse(problem: str) -> NoReturn:
    """Say what is wrong with the URL."""
    raise InvalidField("url", problem)


def _parse_port(text: str | None, scheme: str) -> int:
    port = int(text) if text else DEFAULT_PORTS[scheme]
    if port not in DEFAULT_PORTS.values() and not FIRST_FREE_PORT <= port <= LAST_PORT:
        refuse(f"its port must be 80, 443, or {FIRST_FREE_PORT} to {LAST_PORT}")
    return port


def _parse_host(text: str) -> str:
    """A name, or an address without brackets."""
    if IS_HOST_NAME(text):
        return text
    try:
        address = ip_address(text.strip("[]"))
    except ValueError:
        refuse("its host must be a name, an address as 203.0.113.7, or one as [2001:db8::7]")
    normal = f"[{address}]" if isinstance(address, IPv6Address) else str(address)
    if text != normal:
        refuse(f"its host must be written {normal}")
    if not is_allowed(str(address), address):
        refuse("its host is not on the public internet")
    return str(address)


def _look_up(target: CallTarget, deadline: Deadline) -> list[str]:
    """The addresses of a host, each once, in the order to try them.

    The system's look-up takes as long as it likes; it is left alone in its thread then.
    """
    answers: Queue[list[str] | OSError] = Queue()

    def look_up() -> None:
        try:
            found = socket.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)
        except OSError as error:
            answers.put(error)
        else:
            answers.put(list(dict.fromkeys(str(place[4][0]) for place in found)))

    Thread(target=look_up, daemon=True).start()
    try:
        answer = answers.get(timeout=deadline.left())
    except Empty:
        raise TimeoutError from None
    if isinstance(answer, OSError):
        raise answer
    return answer
