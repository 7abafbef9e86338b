"""Quick jobs one after the other: a pool process takes the next of a kind by itself.

A job's way through the main process costs more than a quick job. So the main process
lets a pool process go on: the step in Redis that ends a job also takes the next message
of its kind, into the worker's hands, and begins its attempt. To the main process it is
one job that takes a little longer. It goes on only while its jobs are quick, work, and
ask for nothing that only the main process can do (``JobRequest.lists``).
"""

import base64
import logging
import os
from collections.abc import Callable, Sequence
from itertools import count
from time import monotonic
from typing import Any, cast

from celery import current_app, signals
from celery.app.trace import LOG_RECEIVED, TraceInfo, trace_ok_t
from celery.concurrency import prefork
from celery.exceptions import Ignore, Reject
from celery.states import REJECTED
from kombu.serialization import loads

from project import moves
from project.endings import end_without_result
from project.errors import StoreUnavailable
from project.job import Job
from project.moves import Move, Verdict
from project.now import NOW
from project.wire import readable

log = logging.getLogger(__name__)

QUICK = 0.05
"""Seconds a job may take for its process to go on."""

LONGEST = 0.1
"""Seconds after which the main process is asked again."""

LISTS = "lists"
"""Where a request says on which lists the next messages may be."""

UNTOLD = 4
"""Exit status of a process that could not tell how a job ended: what it holds is given back."""

NUMBERS = count(1)

type Trace = Callable[[str, Any, Any, dict[str, Any]], trace_ok_t]


class Streak:
    """The tracer of one kind of job, which may go on with further jobs of the kind."""

    def __init__(self, task: Any) -> None:
        self._task = task
        self._app = task.app
        self._trace: Trace = task.__trace__

    def __call__(self, job_id: str, args: Any, kwargs: Any, request: dict[str, Any]) -> trace_ok_t:
        """Run a job as Celery does, then those that may follow; the answer is the first one's."""
        lists = request.pop(LISTS, ())
        if not lists:
            return self._trace(job_id, args, kwargs, request)
        NOW.set(job_id, has_begun=False)
        try:
            return self._run(job_id, args, kwargs, request, lists)
        finally:
            NOW.set("", has_begun=False)

    def _run(
        self, job_id: str, args: Any, kwargs: Any, request: dict[str, Any], lists: Sequence[str]
    ) -> trace_ok_t:
        host, end, serial = request["hostname"], monotonic() + LONGEST, ""
        first = answer = self._trace(job_id, args, kwargs, request)
        while True:
            is_quick = NOW.success and answer.runtime < QUICK and monotonic() < end
            following = f"p{os.getpid()}.{next(NUMBERS)}"
            try:
                text = self._end(answer, serial, following, lists if is_quick else ())
            except StoreUnavailable:
                if not serial:
                    raise
                log.exception("job %s: its end cannot be told", NOW.job_id)
                os._exit(UNTOLD)
            if text is None:
                return first
            answer, serial = self._follow(text, following, host), following

    def _end(
        self, answer: trace_ok_t, serial: str, following: str, lists: Sequence[str]
    ) -> bytes | None:
        """Tell how the job at hand ended; the message of the next one, when one has begun."""
        if NOW.success:
            return self._advance(NOW.success, serial, following, lists)
        if serial:
            self._settle(answer.info and answer.info.retval, serial)
        return None

    def _advance(
        self, success: Move[Verdict], serial: str, following: str, lists: Sequence[str]
    ) -> bytes | None:
        move = moves.advance(
            success,
            worker=self._app.worker_id,
            done=serial,
            serial=following,
            kind=self._task.name,
            lists=lists,
        )
        verdict, text = self._app.store.run(move)
        NOW.success = None  # it is told
        if verdict is Verdict.REFUSED:
            log.warning("job %s: success refused, this attempt no longer owns it", NOW.job_id)
        return cast("bytes | None", text)

    def _settle(self, problem: Any, serial: str) -> None:
        """Be done with a message whose job did not succeed; its record says so already."""
        worker = self._app.worker_id
        if isinstance(problem, Reject) and problem.requeue:
            self._app.store.run(moves.release(worker, [serial]))
            return
        if isinstance(problem, Ignore):
            end_without_result(self._app, NOW.job_id, f"{worker}#{serial}", problem)
        self._app.store.run(moves.ack(worker, [serial]))

    def _follow(self, text: bytes, serial: str, host: str) -> trace_ok_t:
        """Run a job that has begun."""
        message = readable(text)
        if message is None:  # the main process puts it aside
            return trace_ok_t(None, TraceInfo(REJECTED, Reject(requeue=True)), None, None)
        request = request_of(message) | {"delivery": serial, "hostname": host}
        NOW.set(request["id"], has_begun=True)
        log.info(LOG_RECEIVED, {"name": request["task"], "id": request["id"]})
        return self._trace(request["id"], request["args"], request["kwargs"], request)


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
    return is_prefork and not (counts or limits or worker.app.relay)


@signals.worker_process_init.connect
def let_go_on(**_: Any) -> None:
    """In a pool process: let every kind's tracer go on when the main process says so."""
    for task in current_app.tasks.values():
        if isinstance(task, Job):
            task.__trace__ = Streak(task)
