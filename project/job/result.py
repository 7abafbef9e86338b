"""``AsyncResult`` of a job: Celery's, with the record."""

from typing import Any

from celery.result import AsyncResult

from project.errors import InvalidField
from project.messages.builder import RERUN_HEADER
from project.records.record import TaskRecord
from project.store.commands import attempts, jobs, queries
from project.store.commands.attempts import CancelResult


class JobResult(AsyncResult):
    """An ``AsyncResult`` that also gives the record."""

    @property
    def record(self) -> TaskRecord | None:
        """The record as it is now; None for an id that was never enqueued."""
        record: TaskRecord | None = self.app.store.run(queries.read_record(self.id))
        return record

    def cancel(self) -> CancelResult:
        """Stop the job: at once while it waits, within two seconds when it runs."""
        answer: CancelResult = self.app.store.run(attempts.cancel(self.id))
        return answer

    def rerun(
        self,
        args: Any = None,
        kwargs: Any = None,
        *,
        max_retries: int | None = None,
        rerun_id: str = "",
        **options: Any,
    ) -> bool:
        """Run a job that failed or was cancelled once more, with other arguments if there are any.

        It gets ``max_retries`` further attempts, or as many as its kind gets, and keeps its id,
        its queue and its count of attempts. A ``rerun_id`` names this request: the
        same id again reruns nothing and gets the same answer. ``options`` are those of
        ``apply_async``. False when the job is in another state; a kind that ``repeats`` can also
        run again after a success.
        """
        record = self.record
        if record is None:
            return False
        if args is None and kwargs is None:
            args, kwargs = self.app.store.run(queries.read_payload(self.id))
        task = self.app.tasks[record.kind]
        rerun_id = rerun_id or jobs.new_call_id()
        further = task.get_max_attempts() if max_retries is None else check_max_retries(max_retries)
        message = task.build(
            args,
            kwargs,
            task_id=self.id,
            retries=record.attempts,
            max_retries=record.attempts + further,
            headers={RERUN_HEADER: rerun_id},
            **({"queue": record.queue} | options),
        )
        command = jobs.rerun(
            message, attempts=record.attempts, rerun_id=rerun_id, repeats=task.repeats
        )
        is_queued: bool = self.app.store.run(command)
        if is_queued and self.app.publisher:
            self.app.publisher.publish(self.app.store, message)
        return is_queued

    async def afetch(self) -> TaskRecord | None:
        """The same for code on an event loop."""
        record: TaskRecord | None = await self.app.async_store.run(queries.read_record(self.id))
        return record


def check_max_retries(attempts: int) -> int:
    """A number of attempts that makes sense. Raises ``InvalidField``."""
    if attempts < 1:
        raise InvalidField("max_retries", f"{attempts} is not at least 1")
    return attempts
