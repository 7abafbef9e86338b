"""Remote control commands that the pool processes have to hear of."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from celery.worker import control
from celery.worker.control import Panel

from project.worker.pool.job_pool import JobPool
from project.worker.process.orders import OrderSheet

enable_task_events = Panel.data["enable_events"]
disable_task_events = Panel.data["disable_events"]
set_time_limit = Panel.data["time_limit"]


@control.control_command()
def enable_events(state: Any) -> Any:
    """Tell worker(s) to send task-related events."""
    answer = enable_task_events(state)
    state.consumer.tell_events()
    return answer


@control.control_command()
def disable_events(state: Any) -> Any:
    """Tell worker(s) to stop sending task-related events."""
    answer = disable_task_events(state)
    state.consumer.tell_events()
    return answer


@control.control_command(
    args=[("task_name", str), ("soft", float), ("hard", float)],
    signature="<task_name> <soft_secs> [hard_secs]",
)
def time_limit(
    state: Any,
    task_name: str | None = None,
    hard: float | None = None,
    soft: float | None = None,
    **options: Any,
) -> Any:
    """Tell worker(s) to modify the time limit for task by type."""
    answer = set_time_limit(state, task_name=task_name, hard=hard, soft=soft, **options)
    pool = state.consumer.pool
    if isinstance(pool, JobPool) and "ok" in answer:
        limits = (pool.orders.limits or {}) | {str(task_name): (soft, hard)}
        pool.tell(OrderSheet(limits=limits))
    return answer


def watch_first(handle: Callable[..., Any]) -> Callable[..., Any]:
    """A command that sees what the pool processes run now, not a tenth of a second ago."""

    @wraps(handle)
    def handle_after_watch(state: Any, **arguments: Any) -> Any:
        pool = state.consumer.pool
        if isinstance(pool, JobPool):
            pool.watch()
        return handle(state, **arguments)

    return handle_after_watch


Panel.data.update({name: watch_first(handle) for name, handle in Panel.data.items()})
