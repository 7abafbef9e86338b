"""Entity tags (RFC 9110)."""


def is_known(tag: str, known: str) -> bool:
    """Whether the value of If-None-Match (RFC 9110, 13.1.2) contains the tag, or is ``*``."""
    if not known:
        return False
    return known == "*" or tag in (part.strip().removeprefix("W/") for part in known.split(","))
