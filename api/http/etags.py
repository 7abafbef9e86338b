"""Entity tags (RFC 9110)."""

from hashlib import blake2b


def build_entity_tag(data: bytes, version: str = "") -> str:
    """The tag of a content; it begins with its version and a point, if it has one."""
    digest = blake2b(data, digest_size=9).hexdigest()
    return f'"{version}.{digest}"' if version else f'"{digest}"'


def is_known(tag: str, known: str) -> bool:
    """Whether the value of If-None-Match (RFC 9110, 13.1.2) contains the tag, or is ``*``."""
    if not known:
        return False
    return known == "*" or tag in (part.strip().removeprefix("W/") for part in known.split(","))


def is_version(known: str, version: str) -> bool:
    """Whether the value of If-Match (RFC 9110, 13.1.1) has a tag of this version, or is ``*``.

    Such a tag is the version, a point and a digest; see ``Answer.version``.
    """
    tags = (part.strip().removeprefix("W/").strip('"') for part in known.split(","))
    return known.strip() == "*" or version in (tag.partition(".")[0] for tag in tags)


def has_preconditions(match: str | None, none_match: str | None, tag: str) -> bool:
    """Whether a change may be made to what has the tag, "" for nothing (RFC 9110, 13.2.2)."""
    if match is not None and not (tag and is_known(tag, match)):
        return False
    return none_match is None or not (tag and is_known(tag, none_match))
