"""What the client raises. ``ContinuoError`` is the base class of all."""

from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any, NamedTuple


class ContinuoError(Exception):
    """The base class of the errors of this package."""


class Unreachable(ContinuoError):
    """No answer came in time.

    ``may_have_acted``: the API may have got the request and done what it asks for.
    """

    def __init__(self, text: str, *, may_have_acted: bool = False) -> None:
        super().__init__(text)
        self.may_have_acted = may_have_acted


class NotTheApi(Unreachable):
    """Something answers at the URL that is not the API."""


class UnknownKind(ContinuoError):
    """The API offers no such kind; the text names those that it offers."""


class InvalidSignature(ContinuoError):
    """A callback was not signed with the secret, or is too old."""


class JobError(ContinuoError):
    """A job or a workflow did not end with success; ``record`` says how it stands."""

    def __init__(self, text: str, record: Any) -> None:
        super().__init__(text)
        self.record = record


class JobFailed(JobError):
    """The job failed; ``record["error"]`` is the traceback."""


class JobCancelled(JobError):
    """The job was cancelled."""


class NotFinished(JobError):
    """The job or the workflow has not ended within the time."""


class FieldError(NamedTuple):
    """A wrong value: a JSON pointer or the name of a field, and what is allowed."""

    field: str
    detail: str


class Refused(ContinuoError):
    """The API answered with a problem document (RFC 9457), which is ``problem``.

    ``errors`` names each wrong field.
    """

    def __init__(self, problem: Mapping[str, Any]) -> None:
        self.problem = dict(problem)
        self.status: int = problem["status"]
        self.title: str = problem["title"]
        self.detail: str = problem["detail"]
        self.request_id: str = problem.get("request_id", "")
        self.errors = [
            FieldError(each.get("pointer") or each.get("field", ""), each["detail"])
            for each in problem.get("errors", [])
        ]
        super().__init__(f"{self.status} {self.title}: {describe(self.detail, self.errors)}")


class BadRequest(Refused):
    """400: the query, the path or the syntax of the body is wrong."""


class Unauthorized(Refused):
    """401: the API key is missing or unknown."""


class Forbidden(Refused):
    """403: the key does not have the scope, or the link is not valid."""


class NotFound(Refused):
    """404: there is no such job, kind or path."""


class Conflict(Refused):
    """409: the job is not in a state for this, or another job has the unique key."""


class Gone(Refused):
    """410: the link has expired."""


class TooLarge(Refused):
    """413: the body is too large."""


class InvalidOrder(Refused):
    """422: a value is not allowed; ``errors`` names each."""


class TooManyRequests(Refused):
    """429: the key has used up its rate limit."""


class ServerError(Refused):
    """5xx: a fault of the server."""


class Unavailable(ServerError):
    """503: the API cannot work at present."""


BY_STATUS: dict[int, type[Refused]] = {
    HTTPStatus.BAD_REQUEST: BadRequest,
    HTTPStatus.UNAUTHORIZED: Unauthorized,
    HTTPStatus.FORBIDDEN: Forbidden,
    HTTPStatus.NOT_FOUND: NotFound,
    HTTPStatus.CONFLICT: Conflict,
    HTTPStatus.GONE: Gone,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: TooLarge,
    HTTPStatus.UNPROCESSABLE_ENTITY: InvalidOrder,
    HTTPStatus.TOO_MANY_REQUESTS: TooManyRequests,
    HTTPStatus.SERVICE_UNAVAILABLE: Unavailable,
}


def describe(detail: str, errors: Iterable[FieldError]) -> str:
    """Every wrong field, or the detail when none is named."""
    return "; ".join(f"{each.field}: {each.detail}" for each in errors) or detail


def refusal_from(problem: Mapping[str, Any]) -> Refused:
    """The error of the class that belongs to the status of a problem document."""
    status = problem["status"]
    is_fault = status >= HTTPStatus.INTERNAL_SERVER_ERROR
    return BY_STATUS.get(status, ServerError if is_fault else Refused)(problem)
