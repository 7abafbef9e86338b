"""``enqueue_many``: many jobs in few steps."""

from collections.abc import Callable, Iterable
from contextlib import suppress
from itertools import batched

from celery.canvas import Signature

from project.errors import ContinuoError, DuplicateJob, InvalidField, PartlyEnqueued
from project.job.task import Job
from project.records.record import TaskRecord
from project.store.commands.message import Message

MAX_JOBS_PER_STEP = 1_000
"""Jobs that one step of ``enqueue_many`` takes; Redis does nothing else for some 10 ms."""


def enqueue_many(calls: Iterable[Signature]) -> list[TaskRecord | DuplicateJob]:
    """Record and queue many jobs; the record of each, or why it has none, in their order.

    ::

        enqueue_many(checksum.s(path=str(path)) for path in Path().iterdir())

    Each call is a Celery signature of a job, its options in ``set(...)``. They go in steps of
    ``MAX_JOBS_PER_STEP``, each taken whole or not at all. Raises ``InvalidField`` and
    ``StoreUnavailable`` for the first, and ``PartlyEnqueued`` from whatever stops it later.
    """
    taken: list[TaskRecord | DuplicateJob] = []
    sent: list[Callable[[], list[TaskRecord | DuplicateJob]]] = []

    def collect() -> None:
        while sent:
            taken.extend(sent.pop()())

    try:
        for step in batched(calls, MAX_JOBS_PER_STEP):
            messages = [message_of(call) for call in step]  # while Redis takes those before
            collect()
            sent.append(job_of(step[0]).app.begin_enqueue_all(messages))
        collect()
    except Exception as problem:
        with suppress(ContinuoError):
            collect()
        if not taken:
            raise
        raise PartlyEnqueued(str(problem), taken) from problem
    return taken


def message_of(call: Signature) -> Message:
    """The message that a signature comes to. Raises ``InvalidField``."""
    return job_of(call).message(call.args, call.kwargs, **call.options)


def job_of(call: Signature) -> Job:
    """The job that a signature calls. Raises ``InvalidField`` when it is a canvas of several."""
    if type(call) is not Signature or not isinstance(call.type, Job):
        raise InvalidField("calls", f"{call} is not the signature of one job; use its apply_async")
    return call.type
