"""Parses the URL of a Redis that Sentinels watch.

``redis+sentinel://user:password@one:26379,two:26379,three:26379/name/0`` has the Sentinels, the
name of the primary, and the database. User and password belong to the primary.
"""

from typing import NamedTuple
from urllib.parse import parse_qsl, urlsplit

SCHEME = "redis+sentinel"
DEFAULT_PORT = 26_379


class SentinelUrl(NamedTuple):
    """A primary that Sentinels watch.

    ``sentinels``: host and port of each. ``name``: the primary's name. ``url``: its user, password
    and database, with a placeholder for its host. ``replicas``: how many replicas must confirm a
    change.
    """

    sentinels: tuple[tuple[str, int], ...]
    name: str
    url: str
    replicas: int = 1


def parse_sentinel_url(url: str) -> SentinelUrl | None:
    """Parse the URL; None when it has another scheme. Raises ``ValueError``."""
    if not url.startswith(f"{SCHEME}:"):
        return None
    parts = urlsplit(url)
    identity, at, addresses = parts.netloc.rpartition("@")
    name, _, database = parts.path.strip("/").partition("/")
    sentinels = tuple(map(parse_address, addresses.split(",")))
    query = {"replicas": "1"} | dict(parse_qsl(parts.query, keep_blank_values=True))
    if not name or not (database or "0").isdecimal() or not is_valid_query(query):
        raise ValueError(
            f"must be {SCHEME}://user:password@host:{DEFAULT_PORT},host:{DEFAULT_PORT}/name/0?replicas=1"
        )
    primary_url = f"redis://{identity}{at}primary/{database or 0}"
    return SentinelUrl(sentinels, name, primary_url, int(query["replicas"]))


def is_valid_query(query: dict[str, str]) -> bool:
    """Whether a query has a digit for ``replicas``, and nothing else."""
    return query.keys() == {"replicas"} and query["replicas"] in set("0123456789")


def parse_address(address: str) -> tuple[str, int]:
    """Parse host and port. Raises ``ValueError``, which does not repeat the address."""
    try:
        parts = urlsplit(f"//{address}")
        host, port = parts.hostname, parts.port or DEFAULT_PORT
    except ValueError:
        host, port = None, DEFAULT_PORT
    if not host:
        raise ValueError("must have host:port of each Sentinel, separated by commas")
    return host, port
