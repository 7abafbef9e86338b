"""The URL of a Redis that Sentinels watch.

``redis+sentinel://user:password@one:26379,two:26379,three:26379/name/0``: the Sentinels, the
name they know the primary by, and the database. User and password are the primary's.
"""

from typing import NamedTuple
from urllib.parse import parse_qsl, urlsplit

SCHEME = "redis+sentinel"
DEFAULT_PORT = 26_379


class SentinelUrl(NamedTuple):
    """A primary that Sentinels watch.

    ``sentinels``: host and port of each; ``name``: what they call the primary; ``url``: who it is
    spoken to as, and which database, with a host that is only a name; ``replicas``: how many
    of them must have a change.
    """

    sentinels: tuple[tuple[str, int], ...]
    name: str
    url: str
    replicas: int = 1


def parse_sentinel_url(url: str) -> SentinelUrl | None:
    """What a URL of ours says, None for another. Raises ``ValueError``."""
    parts = urlsplit(url)
    if parts.scheme != SCHEME:
        return None
    identity, at, places = parts.netloc.rpartition("@")
    name, _, database = parts.path.strip("/").partition("/")
    sentinels = tuple(map(parse_address, places.split(",")))
    more = {"replicas": "1"} | dict(parse_qsl(parts.query, keep_blank_values=True))
    if not name or not (database or "0").isdecimal() or not is_valid_query(more):
        raise ValueError(
            f"is {SCHEME}://user:password@host:{DEFAULT_PORT},host:{DEFAULT_PORT}/name/0?replicas=1"
        )
    said = f"redis://{identity}{at}primary/{database or 0}"
    return SentinelUrl(sentinels, name, said, int(more["replicas"]))


def is_valid_query(query: dict[str, str]) -> bool:
    """Whether a query says how many replicas, and nothing else."""
    return query.keys() == {"replicas"} and query["replicas"] in set("0123456789")


def parse_address(place: str) -> tuple[str, int]:
    """Host and port. Raises ``ValueError``."""
    parts = urlsplit(f"//{place}")
    if not parts.hostname:
        raise ValueError(f"{place!r} is no host:port of a Sentinel")
    return parts.hostname, parts.port or DEFAULT_PORT
