"""Error answers as problem documents (RFC 9457).

Raise ``Problem`` to answer with a status of your choice; ``problem_from`` converts every other
exception.
"""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

import msgspec

from project.errors import ContinuoError, InvalidField, StoreUnavailable

PROBLEM_JSON = "application/problem+json"
_TITLES = {413: "Content Too Large", 414: "URI Too Long", 422: "Unprocessable Content"}

RETRY_SECONDS = 5
"""Seconds in ``Retry-After`` of a 503."""


class FieldError(msgspec.Struct, frozen=True, kw_only=True):
    """One wrong value.

    ``pointer`` (RFC 6901) leads to it in a JSON body, ``field`` names it
    anywhere else: a query parameter, or the path the application gave.
    """

    pointer: str | msgspec.UnsetType = msgspec.UNSET
    field: str | msgspec.UnsetType = msgspec.UNSET
    detail: str


class ProblemDocument(msgspec.Struct, frozen=True, kw_only=True):
    """What the client reads. ``request_id`` finds the request in our log."""

    type: str
    title: str
    status: int
    detail: str
    instance: str
    request_id: str
    errors: Sequence[FieldError] | msgspec.UnsetType = msgspec.UNSET


class Problem(ContinuoError):
    """Answer the request with this error.

    ``status`` is the HTTP status and determines the title. ``detail`` is for the person who sent
    the request. ``members`` are further members of the document (RFC 9457, section 3.2).
    """

    def __init__(
        self,
        status: int,
        detail: str,
        *,
        kind: str = "about:blank",
        errors: Sequence[FieldError] = (),
        headers: Mapping[str, str] | None = None,
        members: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.kind = kind
        self.errors = errors
        self.headers = headers or {}
        self.members = members or {}

    def to_document(self, instance: str, request_id: str) -> ProblemDocument:
        """The document without further members; ``instance`` is the path of the request."""
        return ProblemDocument(
            type=self.kind,
            title=title_of(self.status),
            status=self.status,
            detail=self.detail,
            instance=instance,
            request_id=request_id,
            errors=self.errors or msgspec.UNSET,
        )

    def encode(self, instance: str, request_id: str) -> str:
        """The document as JSON; ``instance`` is the path of the request."""
        members = msgspec.to_builtins(self.to_document(instance, request_id)) | dict(self.members)
        return msgspec.json.encode(members).decode()


def title_of(status: int) -> str:
    """The phrase of a status in RFC 9110; ``http`` has older ones in some versions of Python."""
    return _TITLES.get(status) or HTTPStatus(status).phrase


def problem_from(error: BaseException, *, invalid: int) -> Problem:
    """Convert an error to a problem; ``invalid`` is the status for an ``InvalidField``."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, InvalidField):
        fault = FieldError(field=error.field, detail=error.problem)
        return Problem(invalid, str(error), errors=[fault])
    if isinstance(error, StoreUnavailable):
        return build_unavailable(f"The record store is not available: {error.reason}")
    return Problem(500, "Something went wrong here. The log has the reason under this request id.")


def build_unavailable(detail: str) -> Problem:
    """Build a 503: the same request may work in a few seconds."""
    return Problem(503, detail, headers={"Retry-After": str(RETRY_SECONDS)})


def point_into(problem: Problem, pointer: str, name: str) -> Problem:
    """A problem of a part of a body: its JSON pointers start at the body, its detail says where."""
    errors = [
        msgspec.structs.replace(each, pointer=f"{pointer}{each.pointer}")
        if isinstance(each.pointer, str)
        else each
        for each in problem.errors
    ]
    return Problem(problem.status, f"{name}: {problem.detail}", errors=errors)
