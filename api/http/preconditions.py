"""Changes that are for one state of a resource: If-Match, If-None-Match (RFC 9110, 13)."""

import msgspec

from api.http.etags import build_entity_tag, has_preconditions, is_version
from api.http.problems import Problem
from api.http.routing import Request


def describe_headers(what: str) -> tuple[dict[str, str], dict[str, str], dict[str, str]]:
    """If-Match, If-None-Match and ETag of routes that change ``what``, for their description."""
    return (
        {"If-Match": f"The ETag of the {what}; 412 if it has changed since."},
        {"If-None-Match": f"With * a {what} is only made; 412 if there is one."},
        {"ETag": f"Identifies this {what}, for If-Match."},
    )


def tag_of(shown: msgspec.Struct) -> str:
    """The entity tag that GET answers with this body."""
    return build_entity_tag(msgspec.json.encode(shown))


def find_revision(
    request: Request, shown: msgspec.Struct | None, revision: int, what: str
) -> int | None:
    """The revision that a change is for, None for any, 0 for none.

    ``shown``: the body that GET answers now, None when there is nothing. Raises ``Problem`` 412.
    """
    match, none_match = request.get_header("if-match"), request.get_header("if-none-match")
    if match is None and none_match is None:
        return None
    if not has_preconditions(match, none_match, tag_of(shown) if shown else ""):
        raise build_changed(what)
    return revision if shown else 0


def find_version(request: Request, version: str | None, what: str) -> str:
    """The version that a change is for, "" for any: of what is answered with ``Answer.version``.

    ``version``: that of now, None when there is nothing. Raises ``Problem`` 412.
    """
    match = request.get_header("if-match")
    if match is None:
        return ""
    if version is None or not is_version(match, version):
        raise build_changed(what)
    return version


def build_changed(what: str) -> Problem:
    """The problem of a change that is for another state than that of now."""
    return Problem(412, f"The {what} is not as the request expects it: GET it again")
