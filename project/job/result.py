"""``AsyncResult`` of a job: Celery's, with the record."""

from typing import Any

from celery.result import AsyncResult

from project.errors import InvalidField
from project.messages.builder import REVIVAL
from project.records.record import TaskRecord
from project.store.commands import attempts, jobs, queries
from project.store.commands.attempts import Cancel


class JobResult(AsyncResult):
    """An ``AsyncResult`` that also gives the record."""

    @property
    def record(self) -> TaskRecord | None:
        """The record as it is now; None for an id that was never enqueued."""
        record: TaskRecord | None = self.app.store.run(queries.read(self.id))
        return record

    def cancel(self) -> Cancel:
        """Stop the job: at once while it waits, within two seconds when it runs."""
        answer: Cancel = self.app.store.run(attempts.cancel(self.id))
        return answer

    def again(
        self,
        args: Any = None,
        kwargs: Any = None,
        *,
        max_retries: int | None = None,
        call: str = "",
        **options: Any,
    ) -> bool:
        """Run a job that failed or was cancelled once more, with other arguments if there are any.

        It gets ``max_retries`` further attempts, or as many as its kind gets, and keeps its id,
        its queue and its count of attempts. A ``call`` is the name of this wish: who asks again
        by it is told the same, and nothing more happens. ``options`` are those of
        ``apply_async``. False when the job is in another state; a kind that ``repeats`` runs again
        after a success, too.
        """
        record = self.record
        if record is None:
            return False
        if args is None and kwargs is None:
            args, kwargs = self.app.store.run(queries.read_payload(self.id))
        task = self.app.tasks[record.kind]
        call = call or jobs.new_call()
        further = task.attempts_allowed() if max_retries is None else required(max_retries)
        message = task.build(
            args,
            kwargs,
            task_id=self.id,
            retries=record.attempts,
            max_retries=record.attempts + further,
            headers={REVIVAL: call},
            **({"queue": record.queue} | options),
        )
        move = jobs.revive(message, attempts=record.attempts, call=call, repeats=task.repeats)
        revived: bool = self.app.store.run(move)
        if revived and self.app.relay:
            self.app.relay.send(self.app.store, message)
        return revived

    async def fetch(self) -> TaskRecord | None:
        """The same for code on an event loop."""
        record: TaskRecord | None = await self.app.async_store.run(queries.read(self.id))
        return record


def required(attempts: int) -> int:
    """A number of attempts that makes sense. Raises ``InvalidField``."""
    if attempts < 1:
        raise InvalidField("max_retries", f"{attempts} is not at least 1")
    return attempts
