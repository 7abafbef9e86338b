"""The forms of URLs that the settings accept."""

from urllib.parse import SplitResult, urlsplit


def is_web_url(url: str) -> bool:
    """Whether this is http(s):// with a host, without login, query and fragment."""
    parts = split_url(url)
    return is_web_link(url) and parts is not None and not parts.query and not parts.fragment


def is_web_link(url: str) -> bool:
    """Whether this is http(s):// with a host, without login."""
    parts = split_url(url)
    return (
        parts is not None
        and parts.scheme in {"http", "https"}
        and bool(parts.hostname)
        and "@" not in parts.netloc
    )


def is_redis_url(url: str) -> bool:
    """Whether this is the URL of one Redis server, of a scheme that redis-py knows."""
    parts = split_url(url)
    if parts is None:
        return False
    if parts.scheme == "unix":
        return parts.path not in {"", "/"}
    database = parts.path.strip("/")
    is_server = parts.scheme in {"redis", "rediss"} and bool(parts.hostname)
    return is_server and (not database or database.isdecimal()) and not parts.fragment


def split_url(url: str) -> SplitResult | None:
    """Split a URL; None when it cannot be read."""
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return None
    return parts if url.isprintable() and " " not in url else None
