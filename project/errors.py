"""Every error this project raises on purpose.

ContinuoError
├── InvalidField        what the caller sent is wrong; names the field and what is allowed
├── JobError            raised inside a job to say what should happen next
│   ├── TransientError  may go away by itself: the job is tried again
│   └── PermanentError  cannot get better: the job fails at once
├── DuplicateJob        a job with this id is already recorded
├── LinkRefused         a download link that does not work
│   ├── LinkTampered    was not made by us, or was changed
│   └── LinkExpired     was good once
├── UnsafeStart         the configuration would expose the service; it refuses to start
├── StoreUnavailable    Redis does not answer, or refuses writes
├── IncompatibleData    Redis has data of a version that this program cannot use
└── PartlyEnqueued      of many jobs only the first are in
"""

from typing import Any


class ContinuoError(Exception):
    """The root: catch this to catch everything of ours."""


class InvalidField(ContinuoError, ValueError):
    """A value from outside that is not allowed.

    ``field`` is a path such as ``filters.month``; ``problem`` says what is
    wrong and what is allowed, in words for the person who sent it.
    """

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(f"{field}: {problem}")
        self.field = field
        self.problem = problem

    def __reduce__(self) -> Any:
        """How it goes from a pool process to the worker's main one."""
        return type(self), (self.field, self.problem)


class JobError(ContinuoError):
    """An attempt did not work out."""


class TransientError(JobError):
    """The cause may pass (a timeout, a full server): worth another attempt."""


class PermanentError(JobError):
    """The cause stays (a template that does not exist): no further attempt."""


class DuplicateJob(ContinuoError):
    """A job with this id is already recorded; the new one was not enqueued."""


class LinkRefused(ContinuoError):
    """A download link that does not work."""


class LinkTampered(LinkRefused):
    """The link was not made by us, or was changed since."""


class LinkExpired(LinkRefused):
    """The link was good once; its time is over."""


class UnsafeStart(ContinuoError):
    """The settings would open the service to strangers."""


class StoreUnavailable(ContinuoError):
    """The record store did not take the command; ``reason`` says why.

    Nothing was changed, unless only the answer was lost on its way.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class IncompatibleData(ContinuoError):
    """The data in Redis has a version that this program cannot use; the text says what to do."""


class PartlyEnqueued(ContinuoError):
    """``enqueue_many`` got no further; ``taken`` is what became of the jobs before."""

    def __init__(self, problem: str, taken: list[Any]) -> None:
        super().__init__(f"stopped after {len(taken)} jobs: {problem}")
        self.taken = taken
