"""Entity tags (RFC 9110)."""

from hashlib import blake2b


def build_entity_tag(data: bytes) -> str:
    """The tag of a content."""
    return f'"{blake2b(data, digest_size=9).hexdigest()}"'


def is_known(tag: str, known: str) -> bool:
    """Whether the value of If-None-Match (RFC 9110, 13.1.2) contains the tag, or is ``*``."""
    if not known:
        return False
    return known == "*" or tag in (part.strip().removeprefix("W/") for part in known.split(","))
