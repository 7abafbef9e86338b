"""Every use of a private part of Celery, kombu or billiard by the worker.

One function for each, with what it needs and why; ``check`` runs when a worker starts and
refuses to go on when a part is not as expected.
"""

import sys
from collections.abc import Callable, Iterable
from typing import Any

from billiard import common
from billiard.pool import soft_timeout_sighandler
from celery import _state
from celery.app import trace
from celery.concurrency import asynpool, prefork
from celery.utils.threads import get_ident
from celery.worker import state

from project.errors import ContinuoError


class UnknownInternals(ContinuoError):
    """A private part of a library is not as this program expects."""


def initialize_process(app: Any, hostname: str) -> None:
    """Set up a pool process as Celery's prefork pool does: signals, logs, tracers, the app."""
    prefork.process_initializer(app, hostname)


def separate_jobs(app: Any, identify: Callable[[], Any]) -> None:
    """Keep apart what Celery says of the current task, for jobs that share a thread.

    ``self.request`` and ``current_task`` come from stacks, one for each result of ``identify``.
    """
    for stack in (_state._task_stack, *(task.request_stack for task in app.tasks.values())):  # noqa: SLF001
        stack.__ident_func__ = identify


def thread_ident() -> Any:
    """What tells the greenlets and threads of a process apart."""
    return get_ident()


def shut_process_down(pid: int) -> None:
    """Send ``worker_process_shutdown`` from a pool process, as Celery's prefork pool does."""
    exit_code = 0 if sys.exception() is None else 1
    prefork.process_destructor(pid, exit_code)


def describe_exit(exitcode: int | None) -> str:
    """An exit status in words."""
    return str(common.human_status(exitcode))


def prefork_processes(pool: Any) -> list[Any]:
    """The processes of Celery's prefork pool, to hold them still and to end them."""
    inner = getattr(pool, "_pool", None)
    processes = getattr(inner, "_pool", None) if isinstance(inner, asynpool.AsynPool) else None
    return [] if processes is None else [each for each in tuple(processes) if hasattr(each, "pid")]


def mark_begun(pool: Any) -> None:
    """Keep jobs in Celery's view that its prefork pool has begun or will begin whatever happens.

    When the connection is lost Celery forgets those whose process has not said yet that it
    began; their messages would be requeued while the jobs run.
    """
    inner = getattr(pool, "_pool", None)
    if not isinstance(inner, asynpool.AsynPool):
        state.active_requests.update(tuple(state.reserved_requests))
        return
    for job in tuple(inner._cache.values()):  # noqa: SLF001
        if job._write_to and job.correlation_id in state.requests:  # noqa: SLF001
            job._accepted = True  # noqa: SLF001
            job._worker_pid = job._write_to.pid  # noqa: SLF001
            state.active_requests.add(state.requests[job.correlation_id])


def sync_running(requests: Iterable[Any]) -> None:
    """Make Celery's view of what this worker runs, for ``inspect``, heartbeats and revokes."""
    running = {request.id: request for request in requests}
    state.requests.clear()
    state.requests.update(running)
    state.active_requests.clear()
    state.active_requests.update(running.values())
    state.reserved_requests.clear()
    state.reserved_requests.update(running.values())


def count_ended(by_kind: dict[str, int]) -> None:
    """Make Celery's counts of jobs, for ``inspect stats`` and heartbeats."""
    state.total_count.clear()
    state.total_count.update(by_kind)
    state.all_total_count[0] = sum(by_kind.values())


def check() -> None:
    """Raise ``UnknownInternals`` with the name of the first part that is not as expected."""
    expected = {
        "celery.concurrency.prefork.process_initializer": callable(prefork.process_initializer),
        "celery.concurrency.prefork.process_destructor": callable(prefork.process_destructor),
        "celery._state._task_stack": hasattr(_state._task_stack, "__ident_func__"),  # noqa: SLF001
        "celery.app.trace.trace_ok_t": trace.trace_ok_t._fields
        == ("retval", "info", "runtime", "retstr"),
        "celery.app.trace.TraceInfo": hasattr(trace, "TraceInfo"),
        "celery.worker.state.requests": isinstance(state.requests, dict),
        "celery.worker.state.active_requests": hasattr(state.active_requests, "update"),
        "celery.worker.state.total_count": hasattr(state.total_count, "update"),
        "celery.worker.state.all_total_count": isinstance(state.all_total_count, list),
        "billiard.pool.soft_timeout_sighandler": callable(soft_timeout_sighandler),
        "billiard.common.human_status": callable(common.human_status),
    }
    for name, is_expected in expected.items():
        if not is_expected:
            raise UnknownInternals(f"{name} is not as expected: this worker does not start")
