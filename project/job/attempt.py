"""What an attempt does about its message: begin, count, and build the message of the next one."""

from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

from celery.app.task import Context
from celery.utils.time import maybe_make_aware

from project.errors import DuplicateJob, InvalidField
from project.job.backend import rerun_id_of
from project.job.producer import ProducerTask
from project.messages.builder import CapturingProducer
from project.messages.options import MAX_ATTEMPTS_HEADER
from project.records.record import compute_backoff
from project.store.commands import attempts as attempt_commands
from project.store.commands import jobs
from project.store.commands.attempts import StartResult
from project.store.commands.message import Message

PROGRESS_REPORTER = "progress_reporter"
"""The attribute of a request that holds the ``ProgressReporter`` of its attempt."""


class AttemptTask(ProducerTask):
    """A task that knows its attempts."""

    @property
    def attempts_left(self) -> int:
        """The number of attempts that may follow the one that runs."""
        left: int = self._compute_limit(self.request, None) - self.request.retries - 1
        return max(left, 0)

    def _compute_limit(self, request: Context, max_retries: int | None) -> int:
        if max_retries is not None:
            return max_retries + 1
        return int((request.headers or {}).get(MAX_ATTEMPTS_HEADER, self.get_max_attempts()))

    def _compute_delay(self, attempt: int, eta: datetime | None, countdown: float | None) -> float:
        if eta is not None:
            wait: timedelta = maybe_make_aware(eta, self.app.timezone) - self.app.now()
            return max(wait.total_seconds(), 0.0)
        if countdown is None:
            countdown = self.default_retry_delay
        return compute_backoff(attempt) if countdown is None else countdown

    def begin_attempt(self, request: Context) -> StartResult:
        """Begin the attempt of a message in its record; makes a record if there is none.

        The request says then whether the job is ``redelivered``.
        ``BUSY``: a live worker runs the job; the message is kept until it cannot any more.
        """
        attempt = {
            "retries": request.retries,
            "token": self.app.attempt_token(request),
            "rerun_id": rerun_id_of(request),
            "is_early": not self.acks_late,
        }
        answer: StartResult = self.app.store.run(attempt_commands.start(request.id, **attempt))
        if answer is StartResult.UNKNOWN:
            self.app.store.run(jobs.register(self._copy_message(request), retries=request.retries))
            answer = self.app.store.run(attempt_commands.start(request.id, **attempt))
        if answer is StartResult.BUSY:
            self.app.store.run(
                attempt_commands.park(self._copy_message(request), retries=request.retries)
            )
        request.delivery_info["redelivered"] = answer is StartResult.STARTED_AGAIN
        return answer

    def schedule_message(self, request: Context) -> None:
        """Keep a message with an ETA in Redis until it is due; it makes the record of its job."""
        with suppress(DuplicateJob):  # a copy of a message that is kept already
            self.app.enqueue(self._copy_message(request))

    def _flush_progress(self, request: Context) -> None:
        if reporter := getattr(request, PROGRESS_REPORTER, None):
            reporter.flush()

    def _copy_message(self, request: Context, **changes: Any) -> Message:
        """Build the message of this attempt, with ``changes`` the message of another one."""
        capturing = CapturingProducer()
        signature = self.signature_from_request(request, **changes)
        options = {**signature.options, "producer": capturing, "add_to_parent": False}
        if "retries" in changes:
            options.pop("expires", None)  # the job has started in time
        options["lane"] = ""
        with suppress(InvalidField):
            options["lane"] = self.find_lane(signature.args, signature.kwargs)
        self.app.send_task(self.name, signature.args, signature.kwargs, task_type=self, **options)
        return capturing.message
