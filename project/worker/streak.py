"""Quick jobs one after the other: a pool process takes the next by itself.

A job's way through the main process costs more than a quick job. So the main process
lets a pool process go on: the step in Redis that ends a job also takes the next message,
into the worker's hands, and begins its attempt. To the main process it is one job that
takes a little longer. It goes on only while its jobs are quick, work, and ask for nothing
that only the main process can do (``JobRequest.leave``).
"""

import base64
import logging
import os
from collections.abc import Callable
from itertools import count
from time import monotonic
from typing import Any, NamedTuple, cast

from celery import current_app, signals
from celery.app.trace import LOG_RECEIVED, TraceInfo, trace_ok_t
from celery.concurrency import prefork
from celery.exceptions import Ignore, Reject
from celery.states import REJECTED
from kombu.serialization import loads

from project.errors import StoreUnavailable
from project.job.current_attempt import CURRENT_ATTEMPT
from project.job.ignored import end_without_result
from project.job.task import Job
from project.messages.validation import parse_message
from project.store.commands import attempts, workers
from project.store.commands.attempts import Verdict
from project.store.commands.command import Command

log = logging.getLogger(__name__)

QUICK = 0.05
"""Seconds a job may take for its process to go on."""

LONGEST = 0.1
"""Seconds after which the main process is asked again."""

LEAVE = "leave"
"""Where a request says what its process may take by itself."""

UNTOLD = 4
"""Exit status of a process that could not tell how a job ended: what it holds is given back."""

NUMBERS = count(1)

type Trace = Callable[[str, Any, Any, dict[str, Any]], trace_ok_t]


TRACERS: dict[str, Trace] = {}
"""Celery's tracer of each kind."""

SLOW: set[str] = set()
"""Kinds whose last job in this process was not quick: the main process gives those out."""


class Leave(NamedTuple):
    """What the main process lets a pool process take by itself.

    ``lists`` in their order; ``kinds`` as names between newlines.
    """

    lists: list[str]
    kinds: str


HALT = Leave([], "")


class Streak:
    """The tracer of a kind of job, which may go on with further jobs."""

    def __init__(self, app: Any, kind: str) -> None:
        self._app = app
        self._kind = kind

    def __call__(self, job_id: str, args: Any, kwargs: Any, request: dict[str, Any]) -> trace_ok_t:
        """Run a job as Celery does, then those that may follow; the answer is the first one's."""
        leave: Leave | None = request.pop(LEAVE, None)
        if leave is None:
            return TRACERS[self._kind](job_id, args, kwargs, request)
        CURRENT_ATTEMPT.set(job_id, has_begun=False)
        try:
            first = trace(self._kind, job_id, args, kwargs, request)
            self._go_on(first, leave, request["hostname"])
        finally:
            CURRENT_ATTEMPT.set("", has_begun=False)
        return first

    def _go_on(self, answer: trace_ok_t, leave: Leave, host: str) -> None:
        end, serial = monotonic() + LONGEST, ""
        while True:
            following = f"p{os.getpid()}.{next(NUMBERS)}"
            is_quick = answer.runtime and answer.runtime < QUICK and monotonic() < end
            try:
                text = self._end(answer, serial, following, leave if is_quick else HALT)
            except StoreUnavailable:
                if not serial:
                    raise
                log.exception("job %s: its end cannot be told", CURRENT_ATTEMPT.job_id)
                os._exit(UNTOLD)
            if text is None:
                return
            answer, serial = self._follow(text, following, host), following

    def _end(self, answer: trace_ok_t, serial: str, following: str, leave: Leave) -> bytes | None:
        """Tell how the job at hand ended; the message of the next one, when one has begun."""
        if CURRENT_ATTEMPT.success:
            return self._advance(CURRENT_ATTEMPT.success, serial, following, leave)
        if serial:
            self._settle(answer.info and answer.info.retval, serial)
        return None

    def _advance(
        self, success: Command[Verdict], serial: str, following: str, leave: Leave
    ) -> bytes | None:
        move = attempts.advance(
            success,
            worker=self._app.worker_id,
            done=serial,
            serial=following,
            lists=leave.lists,
            kinds=without(SLOW, leave.kinds),
        )
        verdict, text = self._app.store.run(move)
        CURRENT_ATTEMPT.success = None  # it is told
        if verdict is Verdict.REFUSED:
            log.warning(
                "job %s: success refused, this attempt no longer owns it", CURRENT_ATTEMPT.job_id
            )
        return cast("bytes | None", text)

    def _settle(self, problem: Any, serial: str) -> None:
        """Be done with a message whose job did not succeed; its record says so already."""
        worker = self._app.worker_id
        if isinstance(problem, Reject) and problem.requeue:
            self._app.store.run(workers.requeue(worker, [serial]))
            return
        if isinstance(problem, Ignore):
            end_without_result(self._app, CURRENT_ATTEMPT.job_id, f"{worker}#{serial}", problem)
        self._app.store.run(workers.ack(worker, [serial]))

    def _follow(self, text: bytes, serial: str, host: str) -> trace_ok_t:
        """Run a job that has begun."""
        message = parse_message(text)
        if message is None:  # the main process puts it aside
            return trace_ok_t(None, TraceInfo(REJECTED, Reject(requeue=True)), None, None)
        request = request_of(message) | {"delivery": serial, "hostname": host}
        CURRENT_ATTEMPT.set(request["id"], has_begun=True)
        log.info(LOG_RECEIVED, {"name": request["task"], "id": request["id"]})
        return trace(request["task"], request["id"], request["args"], request["kwargs"], request)


def trace(kind: str, job_id: str, args: Any, kwargs: Any, request: dict[str, Any]) -> trace_ok_t:
    """Run a job as Celery does; remember whether its kind is quick."""
    answer = TRACERS[kind](job_id, args, kwargs, request)
    if answer.runtime:
        (SLOW.discard if answer.runtime < QUICK else SLOW.add)(kind)
    return answer


def without(some: set[str], kinds: str) -> str:
    """Names between newlines, all but some."""
    for kind in some:
        kinds = kinds.replace(f"\n{kind}\n", "\n")
    return kinds


def request_of(message: dict[str, Any]) -> dict[str, Any]:
    """A message as the request of a task, as the main process would make it."""
    properties = message["properties"]
    args, kwargs, embedded = loads(
        base64.b64decode(message["body"]), message["content-type"], message["content-encoding"]
    )
    return {
        **message["headers"],
        **(embedded or {}),
        "args": args,
        "kwargs": kwargs,
        "is_eager": False,
        "properties": properties,
        "reply_to": properties.get("reply_to"),
        "correlation_id": properties.get("correlation_id"),
        "delivery_info": {**properties["delivery_info"], "priority": properties.get("priority")},
    }


def is_free(worker: Any) -> bool:
    """Whether a worker's pool and options leave its processes free to go on by themselves."""
    counts = worker.max_tasks_per_child or worker.max_memory_per_child
    limits = worker.time_limit or worker.soft_time_limit
    is_prefork = issubclass(worker.pool_cls, prefork.TaskPool)
    return is_prefork and not (counts or limits or worker.app.publisher)


@signals.worker_process_init.connect
def let_go_on(**_: Any) -> None:
    """In a pool process: let every kind's tracer go on when the main process says so."""
    for kind, task in current_app.tasks.items():
        if isinstance(task, Job):
            TRACERS[kind] = task.__trace__
            task.__trace__ = Streak(task.app, kind)
