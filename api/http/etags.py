"""Entity tags: what names a content, and whether a client has it already."""


def is_known(tag: str, known: str) -> bool:
    """Whether If-None-Match (RFC 9110, 13.1.2) names the tag or any."""
    if not known:
        return False
    return known == "*" or tag in (part.strip().removeprefix("W/") for part in known.split(","))
