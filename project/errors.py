"""The errors that all rooms share.

ContinuoError
├── InvalidField        a value from outside is not allowed; names the field and the allowed values
├── InvalidKind         a typed kind cannot be as it is declared
├── JobError            raised by a job to say whether to retry
│   ├── TransientError  the cause may pass: the job is retried
│   └── PermanentError  the cause stays: the job fails at once
│       └── WaitTimeout a job waited for a signal, and its time was over first
├── MessageLost         a job failed because nobody runs it and its message is nowhere
├── DuplicateJob        a job with this id exists
├── RerunRefused        a job cannot run again with its arguments
├── LinkRefused         a download link does not work
│   ├── LinkTampered    its signature is not valid
│   └── LinkExpired     its time is over
├── UnsafeStart         the settings would expose the service; it refuses to start
├── StoreUnavailable    Redis does not answer or refuses a command
│   └── LoginRefused    Redis does not accept the login
├── IncompatibleData    Redis has data of a version that this program cannot use
└── PartlyEnqueued      only the first of many jobs were enqueued
"""

from typing import Any


class ContinuoError(Exception):
    """The base class of all errors of this project."""


class InvalidField(ContinuoError, ValueError):
    """A value from outside is not allowed.

    ``field`` is a path such as ``filters.month``. ``problem`` says what is wrong and what is
    allowed, for the person who sent the value.
    """

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(f"{field}: {problem}")
        self.field = field
        self.problem = problem

    def __reduce__(self) -> Any:
        """Pickle with both arguments: pool processes send errors to the worker's main process."""
        return type(self), (self.field, self.problem)


class InvalidKind(ContinuoError, TypeError):
    """A typed kind cannot be as it is declared, such as one with a parameter without a type."""


class JobError(ContinuoError):
    """An attempt failed, for a reason that the job knows."""


class TransientError(JobError):
    """The cause may pass (a timeout, a full server): the job is retried."""


class PermanentError(JobError):
    """The cause stays (a template that does not exist): the job fails at once."""


class WaitTimeout(PermanentError):
    """A job waited for a signal, and its time was over first; a rerun waits anew."""


class MessageLost(ContinuoError):
    """Nobody runs the job and its message is nowhere, so the job failed; it can be run again."""


class SwitchedOff(ContinuoError):
    """A switch fails the jobs that match it; this one can be run again when the switch is over."""


class DuplicateJob(ContinuoError):
    """A job with this id exists; the new one was not enqueued.

    ``holder`` is another job that has the unique key of the new one, "" when the id is taken.
    """

    def __init__(self, job_id: str, holder: str = "") -> None:
        super().__init__(job_id, holder) if holder else super().__init__(job_id)
        self.holder = holder


class RerunRefused(ContinuoError):
    """A job cannot run again with its arguments; nothing was changed."""


class LinkRefused(ContinuoError):
    """A download link does not work."""


class LinkTampered(LinkRefused):
    """The signature of the link is not valid: it was changed, or another system made it."""


class LinkExpired(LinkRefused):
    """The link was valid, but its time is over."""


class UnsafeStart(ContinuoError):
    """The settings would let other machines use the service without a password or key."""


class StoreUnavailable(ContinuoError):
    """Redis did not run a command; ``reason`` says why.

    Nothing was changed, unless only the answer was lost.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class LoginRefused(StoreUnavailable):
    """Redis asks for a password, or does not accept the one in ``REDIS_URL``."""


class IncompatibleData(ContinuoError):
    """The data in Redis has a version that this program cannot use; the text says what to do."""


class PartlyEnqueued(ContinuoError):
    """``enqueue_many`` stopped early; ``taken`` has the results of the jobs before that."""

    def __init__(self, problem: str, taken: list[Any]) -> None:
        super().__init__(f"stopped after {len(taken)} jobs: {problem}")
        self.taken = taken
