"""The worker's pool: processes that claim and run jobs by themselves, watched from here.

``worker_pool = "project.worker.pool.job_pool:JobPool"``, used with Redis as the broker. Celery's
consumer gives this pool no jobs: it keeps the connection for remote control and heartbeats. The
main process tells its processes what to take (``process.orders``), reads what they run from shared
memory (``process.slot``), enforces time limits, and replaces processes that end.
"""

import logging
import os
import signal as signals
import time
from collections import Counter, deque
from collections.abc import Iterator
from typing import Any

from billiard import Process
from billiard.connection import wait as wait_for_any
from celery.concurrency.base import BasePool
from celery.signals import worker_shutting_down
from celery.worker import state

from project.errors import StoreUnavailable
from project.settings.values import get_settings
from project.worker import celery_internals
from project.worker.pool.processes import send_signal
from project.worker.pool.running import RunningJob
from project.worker.process.async_executor import AsyncExecutor
from project.worker.process.executor import Executor
from project.worker.process.limits import Limits
from project.worker.process.orders import Orders, OrderSheet, OrderWriter
from project.worker.process.slot import RunningAttempt, Slot

log = logging.getLogger(__name__)

WATCH_SECONDS = 0.1
"""Seconds between two looks at what the processes run: the precision of time limits."""

FAILED_START_SECONDS = 1.0
"""A process that fails sooner is replaced with a pause of this length."""

KEPT_ENDED_PROCESSES = 100

REMEMBERED = tuple(name for name in OrderSheet.__struct_fields__ if name != "stop")
"""The orders that hold for the processes to come, too."""


class PoolProcess:
    """A process as the main one sees it: its slot, and the pipe for its orders."""

    def __init__(self, index: int, app: Any, hostname: str, limits: Limits) -> None:
        self.index = index
        self.slots = [Slot() for _ in range(limits.async_jobs or 1)]
        self.started_at = time.monotonic()
        self.stops = False
        reader, writer = os.pipe()
        self.orders = OrderWriter(writer)
        self.process = Process(
            target=run_process,
            args=(app, hostname, self.slots, reader, writer, limits),
            name=f"ForkPoolWorker-{index + 1}",
        )
        self.process.index = index
        self.process.daemon = True
        self.process.start()
        os.close(reader)
        self.pid: int = self.process.pid

    def list_running(self) -> list[RunningAttempt]:
        """The attempts that it runs."""
        return [attempt for slot in self.slots if (attempt := slot.read())]

    def read_counts(self) -> dict[str, int]:
        """How many attempts of each kind have ended in it."""
        return self.slots[0].read_counts()

    def tell(self, sheet: OrderSheet) -> None:
        """Give it orders; a process that has ended hears nothing."""
        self.stops = self.stops or bool(sheet.stop)
        self.orders.send(sheet)

    def close(self) -> None:
        """Release what the main process holds of it."""
        self.process.join()
        self.orders.close()


class JobPool(BasePool):
    """Celery's interface to the processes."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.hostname = options["initargs"][1]
        self.limits = Limits(
            soft=options.get("soft_timeout"),
            hard=options.get("timeout"),
            max_jobs=options.get("maxtasksperchild"),
            max_memory=options.get("max_memory_per_child"),
            async_jobs=get_settings().worker_async_jobs,
        )
        self.orders = OrderSheet(queues=[], limits={}, revoked_stamps={})
        self.processes: list[PoolProcess] = []
        self.wanted = self.limit
        self.ended: Counter[str] = Counter()
        self.last_ended: deque[Any] = deque(maxlen=KEPT_ENDED_PROCESSES)
        self._soft_sent: set[str] = set()
        self._suspended_starts_until = 0.0
        self._hub: Any = None

    # Celery's interface

    def on_start(self) -> None:
        """Start the processes; they wait for orders."""
        worker_shutting_down.connect(self.on_shutting_down)
        self.replace_ended()

    def register_with_event_loop(self, hub: Any) -> None:
        """Watch the processes from the worker's event loop."""
        self._hub = hub
        hub.call_repeatedly(WATCH_SECONDS, self.watch)
        for each in self.processes:
            hub.add_reader(each.process.sentinel, self.watch)

    def on_shutting_down(self, **_: Any) -> None:
        """Take no further job from the moment of the signal on."""
        self.on_close()

    def on_stop(self) -> None:
        """Wait until each process has ended its job; time limits hold meanwhile."""
        self.on_close()
        while self.processes:
            wait_for_any([each.process.sentinel for each in self.processes], WATCH_SECONDS)
            self.watch()

    def on_close(self) -> None:
        """Tell the processes to stop after the jobs they run."""
        self.wanted = 0
        self.tell(OrderSheet(stop=True))

    def on_terminate(self) -> None:
        """Kill the processes."""
        self.wanted = 0
        send_signal([each.pid for each in self.processes], signals.SIGKILL)

    def grow(self, count: int = 1) -> None:
        """Start more processes."""
        self.wanted += count
        self.replace_ended()

    def shrink(self, count: int = 1) -> None:
        """Stop processes after the jobs they run, idle ones first."""
        count = min(count, self.wanted - 1)
        self.wanted -= max(count, 0)
        active = [each for each in self.processes if not each.stops]
        for each in sorted(active, key=lambda each: bool(each.list_running()))[: max(count, 0)]:
            each.tell(OrderSheet(stop=True))

    def restart(self) -> None:
        """Replace every process by a new one after the job it runs."""
        self.tell(OrderSheet(stop=True))

    def terminate_job(self, pid: int, signal: int | None = None) -> None:
        """Kill a process; its job is handled as one whose process died."""
        send_signal([pid], signals.Signals(signal or signals.SIGTERM))

    @property
    def capacity(self) -> int:
        """How many jobs the processes run at once."""
        return self.num_processes * (self.limits.async_jobs or 1)

    @property
    def num_processes(self) -> int:
        """How many processes there are to be."""
        count: int = self.wanted or self.limit
        return count

    def count_busy(self) -> int:
        """How many processes run a job."""
        return sum(bool(each.list_running()) for each in self.processes)

    def living(self) -> list[Any]:
        """The processes that have not ended."""
        return [each.process for each in self.processes if each.process.is_alive()]

    def list_settled(self) -> dict[str, int]:
        """Of each process, by its name in serials, the claim before which all are over."""
        found = [each.slots[0].read_settled() for each in self.processes]
        return {name: place for name, place in found if name}

    def list_serials(self) -> list[str]:
        """The serials of what the processes run."""
        return [attempt.serial for each in self.processes for attempt in each.list_running()]

    def _get_info(self) -> dict[str, Any]:
        about: dict[str, Any] = super()._get_info()
        return about | {
            "max-concurrency": self.num_processes,
            "processes": [each.pid for each in self.processes],
            "max-tasks-per-child": self.limits.max_jobs or "N/A",
            "timeouts": (self.limits.soft or 0, self.limits.hard or 0),
        }

    # Orders

    def tell(self, sheet: OrderSheet) -> None:
        """Give all processes orders, and remember them for those to come.

        Orders that they have already are left out: Flower asks for events again and again.
        """
        for name in REMEMBERED:
            value = getattr(sheet, name)
            if value == getattr(self.orders, name):
                setattr(sheet, name, None)
            elif value is not None:
                setattr(self.orders, name, value)
        if sheet != OrderSheet():
            for each in self.processes:
                each.tell(sheet)

    def ask_to_stop(self, job_ids: list[str]) -> bool:
        """Tell processes with an event loop which jobs to stop; False for other processes."""
        if self.limits.async_jobs and set(job_ids) != set(self.orders.cancelled or ()):
            self.tell(OrderSheet(cancelled=job_ids))
        return bool(self.limits.async_jobs)

    # Watching

    def watch(self, *_: Any) -> None:
        """Replace processes that ended, enforce time limits, and tell Celery what runs."""
        self.replace_ended()
        for each in self.processes:
            each.orders.flush()
        running = [(each, run) for each in self.processes for run in each.list_running()]
        for each, attempt in running:
            self.enforce_limits(each, attempt)
        jobs = [RunningJob(self.app, self.hostname, each.pid, run) for each, run in running]
        celery_internals.sync_running(jobs)
        counts = self.ended.copy()
        for each in self.processes:
            counts.update(each.read_counts())
        celery_internals.count_ended(counts)
        if state.revoked_stamps != self.orders.revoked_stamps:
            self.tell(OrderSheet(revoked_stamps=dict(state.revoked_stamps)))
        self._running = jobs

    def replace_ended(self) -> None:
        """Take note of processes that ended, and start others in their place."""
        for each in [each for each in self.processes if not each.process.is_alive()]:
            self.processes.remove(each)
            self._note_end(each)
        free = sorted(set(range(512)) - {each.index for each in self.processes})
        missing = self.wanted - sum(not each.stops for each in self.processes)
        if missing > 0 and time.monotonic() >= self._suspended_starts_until:
            for index in free[:missing]:
                self._start(index)

    def enforce_limits(self, each: PoolProcess, attempt: RunningAttempt) -> None:
        """Signal a job past its soft limit; fail one past its hard limit and kill its process."""
        now = time.monotonic()
        if now >= attempt.hard_limit_at:
            self._end_overdue(each, attempt)
        elif now >= attempt.soft_limit_at and attempt.serial not in self._soft_sent:
            self._soft_sent = {attempt.serial} | {run.serial for run in self._attempts()}
            send_signal([each.pid], signals.SIGUSR1)

    def _attempts(self) -> Iterator[RunningAttempt]:
        for each in self.processes:
            yield from (run for run in each.list_running() if run.serial in self._soft_sent)

    def _start(self, index: int) -> None:
        each = PoolProcess(index, self.app, self.hostname, self.limits)
        self.processes.append(each)
        each.tell(self.orders)
        if self._hub:
            self._hub.add_reader(each.process.sentinel, self.watch)

    def _note_end(self, each: PoolProcess) -> None:
        if self._hub:
            self._hub.remove_reader(each.process.sentinel)
        self.ended.update(each.read_counts())
        self.last_ended.append(each.process)
        each.close()
        lived = time.monotonic() - each.started_at
        if each.process.exitcode and lived < FAILED_START_SECONDS:
            self._suspended_starts_until = time.monotonic() + FAILED_START_SECONDS
        if self.wanted and self.on_process_end:
            self.on_process_end()

    on_process_end: Any = None
    """Called when a process has ended; requeues what it held."""

    def _end_overdue(self, each: PoolProcess, attempt: RunningAttempt) -> None:
        """Fail a job whose time is over, while its process is suspended; then kill the process."""
        send_signal([each.pid], signals.SIGSTOP)
        try:
            if attempt.serial not in [run.serial for run in each.list_running()]:
                return
            is_failed = self._fail_overdue(each, attempt)
        except StoreUnavailable as problem:
            log.warning("job %s: time limit not enforced yet: %s", attempt.job_id, problem)
            return
        finally:
            send_signal([each.pid], signals.SIGCONT)
        if is_failed:
            send_signal([each.pid], signals.SIGKILL)

    def _fail_overdue(self, each: PoolProcess, attempt: RunningAttempt) -> bool:
        job = RunningJob(self.app, self.hostname, each.pid, attempt)
        return job.fail_overdue()


def run_process(
    app: Any, hostname: str, slots: list[Slot], reader: int, writer: int, limits: Limits
) -> None:
    """What a pool process does, from its fork to its end."""
    os.close(writer)
    celery_internals.initialize_process(app, hostname)
    try:
        build_executor(app, hostname, slots, Orders(reader), limits).run()
    finally:
        celery_internals.shut_process_down(os.getpid())


def build_executor(
    app: Any, hostname: str, slots: list[Slot], orders: Orders, limits: Limits
) -> Executor:
    """The loop of a pool process: for one job at a time, or for many in an event loop."""
    if limits.async_jobs:
        return AsyncExecutor(app, hostname, slots, orders, limits)
    return Executor(app, hostname, slots[0], orders, limits)
