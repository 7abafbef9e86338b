"""``enqueue_many``: enqueue many jobs with few round trips to Redis."""

from collections.abc import Callable, Iterable
from contextlib import suppress
from itertools import batched

from celery.canvas import Signature

from project.errors import ContinuoError, DuplicateJob, InvalidField, PartlyEnqueued
from project.job.task import Job
from project.records.record import TaskRecord
from project.store.commands.message import Message

MAX_JOBS_PER_STEP = 1_000
"""Jobs per step of ``enqueue_many``. A step blocks Redis for about 10 ms."""


def enqueue_many(calls: Iterable[Signature]) -> list[TaskRecord | DuplicateJob]:
    """Enqueue many jobs; return the record of each, or its ``DuplicateJob``, in their order.

    ::

        enqueue_many(checksum.s(path=str(path)) for path in Path().iterdir())

    Each call is a Celery signature of one task; ``set(...)`` on it gives options. Jobs are enqueued
    in steps of ``MAX_JOBS_PER_STEP``, and each step is stored as a whole or not at all. An error in
    the first step is raised as it is (``InvalidField``, ``StoreUnavailable``); one in a later step
    as ``PartlyEnqueued``.
    """
    taken: list[TaskRecord | DuplicateJob] = []
    sent: list[Callable[[], list[TaskRecord | DuplicateJob]]] = []

    def collect() -> None:
        while sent:
            taken.extend(sent.pop()())

    try:
        for step in batched(calls, MAX_JOBS_PER_STEP):
            messages = [build_message(call) for call in step]  # while Redis stores the step before
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


def build_message(call: Signature) -> Message:
    """Build the message of a signature. Raises ``InvalidField``."""
    return job_of(call).message(call.args, call.kwargs, **call.options)


def job_of(call: Signature) -> Job:
    """The task of a signature. Raises ``InvalidField`` for a canvas of several tasks."""
    if type(call) is not Signature or not isinstance(call.type, Job):
        raise InvalidField(
            "calls", f"{call} is not the signature of one task; call its apply_async instead"
        )
    return call.type
