"""``app.AsyncResult``: Celery's class with access to the record of the job."""

from typing import Any

from celery.result import AsyncResult

from project.errors import InvalidField, RerunRefused
from project.job.canvas.embedded import decode_canvas
from project.job.running.results import restore_place
from project.job.signals import build_signal
from project.messages.builder import RERUN_HEADER
from project.messages.encoding import decode
from project.messages.options import MAX_ATTEMPTS, check_max_retries
from project.records.record import TaskRecord
from project.store.commands import attempts, jobs, queries, waits
from project.store.commands.attempts import CancelResult
from project.store.commands.canvas import CanvasPlace, read_place
from project.store.commands.command import new_call_id
from project.store.commands.waits import SignalResult


class JobResult(AsyncResult):
    """A handle on a job by its id."""

    @property
    def record(self) -> TaskRecord | None:
        """The current record; None when there is none."""
        record: TaskRecord | None = self.app.store.run(queries.read_record(self.id))
        return record

    def cancel(self) -> CancelResult:
        """Cancel the job: at once while it waits, within two seconds while it runs."""
        answer: CancelResult = self.app.store.run(attempts.cancel(self.id))
        return answer

    def signal(self, name: str, value: Any = None) -> SignalResult:
        """Send a signal to the job, which goes on if it waits for one of this name.

        One that comes before its wait is kept. The first of a name counts: the same again is
        ``repeated``, a different one ``other``. Raises ``InvalidField`` for a value that is not
        JSON, has more than 64 KB, or is not of the type for which the job waits.
        """
        text = build_signal(self.record, name, value)
        answer: SignalResult = self.app.store.run(waits.send_signal(self.id, name, text))
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
        """Run a job again that failed or was cancelled. False when it is in another state.

        The job keeps its id, its queue and its count of attempts. It runs with its old arguments
        when ``args`` and ``kwargs`` are both None. ``max_retries`` is the number of further
        attempts, None means the default of the kind, or what is left of the order if that is more.
        Steps that a job had finished are skipped if it runs with its old arguments.
        A second call with the same ``rerun_id`` changes nothing and returns the same result.
        ``options`` are those of ``apply_async``. A kind that ``repeats`` also accepts a job that
        succeeded. What follows a failed job in its canvas follows the rerun, too. Raises
        ``RerunRefused`` when the arguments do not fit the kind any more, and for a job that never
        ran, because one before it in its canvas failed: rerun that one.
        """
        record = self.record
        if record is None:
            return False
        place = self.app.store.run(read_place(self.id))
        canvas, headers = read_canvas(place), dict[str, Any]()
        is_unchanged = args is None and kwargs is None
        if is_unchanged:
            text = self.app.store.run(queries.read_payload_text(self.id))
            args, kwargs = decode(text) if text else ((), {})
            headers, kwargs = restore_place(place.workflow, place.each, kwargs)
        task = self.app.tasks[record.kind]
        rerun_id = rerun_id or new_call_id()
        if max_retries is None:
            limit = max(record.attempts + task.get_max_attempts(), record.max_retries)
        else:
            limit = record.attempts + check_max_retries(max_retries)
        try:
            message = task.build(
                args,
                kwargs,
                task_id=self.id,
                retries=record.attempts,
                max_retries=min(limit, MAX_ATTEMPTS),
                headers={RERUN_HEADER: rerun_id} | headers,
                **({"queue": record.queue} | canvas | options),
            )
        except (TypeError, InvalidField) as problem:
            if isinstance(problem, InvalidField) and not is_unchanged:
                raise
            raise RerunRefused(
                f"the arguments of the job do not fit {record.kind}: {problem}"
            ) from problem
        command = jobs.rerun(
            message,
            attempts=record.attempts,
            rerun_id=rerun_id,
            repeats=task.repeats,
            keeps_steps=is_unchanged and task.keeps_steps,
        )
        is_queued: bool = self.app.store.run(command)
        if is_queued and self.app.publisher:
            self.app.publisher.publish(self.app.store, message)
        return is_queued

    async def afetch(self, *, estimate: bool = False) -> TaskRecord | None:
        """Read the record from an event loop; None when there is none.

        ``estimate``: of a pending job, return a ``ShownTask`` with its position and its expected
        times.
        """
        read = queries.read_with_estimate if estimate else queries.read_record
        record: TaskRecord | None = await self.app.async_store.run(read(self.id))
        return record


def read_canvas(place: CanvasPlace) -> dict[str, Any]:
    """The options that let the canvas of the job go on. Raises ``RerunRefused``."""
    if place.is_unsent:
        raise RerunRefused(
            "the job never ran, because one before it in its canvas failed: rerun that one, and"
            " this one follows"
        )
    if place.is_unsettled:
        raise RerunRefused(
            "the jobs after this one in its canvas are still being told that it ended: try"
            " again in a moment"
        )
    return decode_canvas(place.embedded) if place.embedded else {}
