"""Leases: how it is known which worker lives, and what one does that may be thought dead.

A side thread of each worker's main process renews its lease every fourth of
``LEASE_SECONDS``, whatever the pool is doing. When the lease ends, others take
the worker's jobs. So a worker that cannot renew holds its pool processes still
before the lease ends; when Redis answers again they go on, or, when their jobs
have been given away, the worker ends at once. Two attempts never overlap.
"""

import logging
import os
import platform
import signal
import sys
import threading
import time
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from celery import bootsteps, signals
from celery.worker import state

from project.errors import StoreUnavailable, UnsafeStart
from project.job.running.cancellation import WORKER_PROCESS
from project.processes import end_with_parent
from project.records.grouping import CONTROL_QUEUE
from project.schedules.firing import ScheduleRounds
from project.settings.values import Settings, get_settings
from project.store.client import Store
from project.store.commands import attempts, workers
from project.store.startup import exit_if_unusable, wait_for_redis
from project.worker import celery_internals, memory
from project.worker.pool.autoscale import scale
from project.worker.pool.cancellation import CancellationMonitor
from project.worker.pool.job_pool import JobPool
from project.worker.pool.processes import PoolProcesses
from project.worker.queues import QueueFollower
from project.worker.requirements import check_configuration
from project.worker.transport import ACKNOWLEDGEMENTS
from project.worker.upkeep.archiving import Archiving
from project.worker.upkeep.chores import RETRY_SECONDS, Chores
from project.worker.upkeep.declared_limits import put_declared_limits
from project.worker.upkeep.guard import Guard
from project.worker.upkeep.load import LoadHistory
from project.worker.upkeep.log_tail import LogTail
from project.worker.upkeep.maintenance import Maintenance
from project.worker.upkeep.reports import WorkReporter

if TYPE_CHECKING:
    from project.store.commands.command import Argument

log = logging.getLogger(__name__)

SUSPEND_MARGIN_SECONDS = 0.5
"""Seconds before the end of the lease at which the pool is held still."""

WORKER_PATIENCE_SECONDS = 3_600.0
"""Seconds a worker goes on trying to write a result while Redis is away."""

EXIT_LEASE_LOST = 3
"""Exit status of a worker whose jobs were given away."""


class LeaseThread(threading.Thread):
    """The side thread: renews the lease, then does upkeep."""

    def __init__(self, worker: Any, given: Settings) -> None:
        super().__init__(name="lease", daemon=True)
        self.worker = worker
        self.worker_id: str = worker.app.worker_id
        self.seconds = given.lease_seconds
        self.store = Store(
            worker.app.store_url, keys=worker.app.store_keys, timeout=given.lease_seconds / 6
        )
        self.store.number_requests()
        self.ended = threading.Event()
        self.processes = PoolProcesses(worker)
        self.watchdog = LeaseWatchdog(self.processes)
        self.reporter = WorkReporter(worker, self.store, given.lease_seconds / 4)
        self.load = LoadHistory()
        self.log_tail = LogTail(worker.hostname)
        logging.getLogger().addHandler(self.log_tail)
        self.chores = Chores(
            partial(self.processes.requeue_dead, self.store),
            self.reporter.report,
            CancellationMonitor(self.store, self.worker_id, self.processes).look,
            QueueFollower(worker, self.store).look,
            Maintenance(self.store, given, worker.app.publisher).work,
            Guard(self.store, self.worker_id).work,
            Archiving(self.store, self.worker_id, worker.app).work,
            ScheduleRounds(worker.app, self.store).work,
            partial(self.log_tail.work, self.store),
        )
        self.started_at = time.time()
        self._renew_at = 0.0

    def run(self) -> None:
        """Until told to end."""
        wait = 0.0
        while not self.ended.wait(wait):
            try:
                wait = self.round()
            except StoreUnavailable as problem:
                wait = self.on_unreachable(problem)
            except Exception:
                log.exception("upkeep failed")
                wait = RETRY_SECONDS

    def round(self) -> float:
        """Renew when it is time, do what is due; the seconds until the next round."""
        if time.monotonic() >= self._renew_at:
            self.renew()
        pause = self.chores.do_due()
        return max(min(pause, self._renew_at - time.monotonic()), 0.0)

    def renew(self, *, first: bool = False) -> None:
        """Say that this worker lives; end it when it was thought dead."""
        asked_at = time.monotonic()
        slots: int = getattr(self.worker.pool, "capacity", self.worker.pool.num_processes)
        memory_used = memory.resident({os.getpid(), *self.processes.pids()})
        self.load.note(time.time(), memory_used, self.reporter.count_running() / max(slots, 1))
        about: dict[str, Argument] = {
            "slots": slots,
            "lease_seconds": self.seconds,
            "host": platform.node(),
            "pid": os.getpid(),
            "clock": f"{time.time():.6f}",
            "started_at": f"{self.started_at:.3f}",
            "queues": "\n".join(self.queues()),
            "memory": memory_used or "",
            "load": self.load.format(),
        }
        if first:  # the claims of its processes ask whether it knows a kind
            about |= {f"kind:{name}": describe_ack(task) for name, task in self.tasks.items()}
            if not self.worker.app.publisher:
                has_rates = not self.worker.disable_rate_limits
                put_declared_limits(self.store, self.tasks, has_rates=has_rates)
            elif limited := [
                name
                for name, task in self.tasks.items()
                if getattr(task, "limits", ()) or getattr(task, "breaker", None)
            ]:
                log.error("RabbitMQ hands out jobs: limits of %s have no effect", limited)
        move = workers.renew_lease(self.worker_id, self.seconds, about, first=first)
        if not self.store.run(move):
            log.critical("the lease of %s had ended and its jobs were given away", self.worker_id)
            self.processes.kill()
            os._exit(EXIT_LEASE_LOST)
        self._renew_at = asked_at + self.seconds / 4
        self.watchdog.renewed(asked_at + self.seconds)

    @property
    def tasks(self) -> dict[str, Any]:
        """The tasks that this worker knows, by name."""
        tasks: dict[str, Any] = self.worker.app.tasks
        return tasks

    def queues(self) -> list[str]:
        """The queues that this worker takes from, or will when it has begun."""
        consumer = getattr(getattr(self.worker, "consumer", None), "task_consumer", None)
        if consumer:
            return [queue.name for queue in consumer.queues]
        return list(self.worker.app.amqp.queues.consume_from)

    def on_unreachable(self, problem: StoreUnavailable) -> float:
        """Try again soon."""
        log.warning("lease not renewed: %s", problem.reason)
        self._renew_at = time.monotonic()
        return RETRY_SECONDS

    def sign_off(self) -> None:
        """End; what is still in hand goes back to the queue, uncounted."""
        self.ended.set()
        self.watchdog.ended.set()
        self.join(timeout=self.seconds)
        logging.getLogger().removeHandler(self.log_tail)
        self.log_tail.send(self.store)
        try:
            while done := ACKNOWLEDGEMENTS.take():
                self.store.run(workers.ack(self.worker_id, done))
            self.store.run(workers.sign_off(self.worker_id))
        except StoreUnavailable as problem:
            log.warning("could not sign off: %s", problem.reason)

    def take_back_attempts(self) -> None:
        """Take back the attempts that run; their messages go back to any broker by themselves."""
        for request in tuple(state.active_requests):
            with suppress(StoreUnavailable):
                self.store.run(attempts.interrupt(request.id, token=request.token))

    def abandon(self) -> None:
        """End this worker now: its jobs are held still, given back, then killed."""
        log.warning("unfinished jobs are given back")
        self.processes.suspend()
        self.take_back_attempts()
        self.sign_off()
        self.processes.kill()
        os._exit(0)


def describe_ack(task: Any) -> str:
    """When a job of the kind is acknowledged: ``early``, before it runs, or ``late``, after it."""
    return "late" if task.acks_late else "early"


class LeaseWatchdog(threading.Thread):
    """Holds the pool still when the lease is about to end, on a clock of its own.

    The keeper may be waiting for an answer that does not come.
    """

    def __init__(self, processes: PoolProcesses) -> None:
        super().__init__(name="lease-watchdog", daemon=True)
        self.processes = processes
        self.ended = threading.Event()
        self._changing = threading.Lock()
        self._lease_ends = time.monotonic() + SUSPEND_MARGIN_SECONDS

    def run(self) -> None:
        """Until told to end."""
        while not self.ended.wait(self.watch()):
            pass

    def watch(self) -> float:
        """Hold the pool still when it is time; the seconds until to look again."""
        with self._changing:
            left = self._lease_ends - SUSPEND_MARGIN_SECONDS - time.monotonic()
            if left > 0:
                return left
            self.processes.suspend()
        return RETRY_SECONDS

    def renewed(self, lease_ends: float) -> None:
        """Let the pool go on: the lease holds until ``lease_ends`` (monotonic seconds)."""
        with self._changing:
            self._lease_ends = lease_ends
            self.processes.resume()


class LeaseStep(bootsteps.StartStopStep):
    """Gives the worker its identity and keeps it alive, whatever its pool."""

    requires = {"celery.worker.components:Pool"}  # noqa: RUF012 - Celery's way: after the forks

    def __init__(self, worker: Any, **_: Any) -> None:
        worker_id = f"{worker.hostname}/{uuid4().hex[:12]}"
        worker.app.worker_id = worker_id
        celery_internals.check()
        try:
            check_configuration(worker.app)
        except UnsafeStart as problem:
            log.critical("%s", problem)
            raise SystemExit(1) from problem
        options = worker.app.conf.broker_transport_options
        options["fetches_jobs"] = not issubclass(worker.pool_cls, JobPool)
        options["worker_id"] = worker_id
        worker.app.store.patience = WORKER_PATIENCE_SECONDS
        worker.app.store.number_requests()
        queues = worker.app.amqp.queues
        queues.select([*queues.consume_from, CONTROL_QUEUE])  # whatever -Q says: somebody has to
        self.keeper: LeaseThread | None = None
        self.drain_seconds = get_settings().drain_seconds
        self.told_to_stop = 0

    def start(self, worker: Any) -> None:
        """Take the lease before the first message is fetched."""
        self.keeper = LeaseThread(worker, get_settings())
        with exit_if_unusable():
            wait_for_redis(self.keeper.store, state.maybe_shutdown)
        self.keeper.store.patience = WORKER_PATIENCE_SECONDS
        self.keeper.renew(first=True)
        self.keeper.store.patience = 0.0
        self.keeper.start()
        if isinstance(worker.pool, JobPool):
            worker.pool.on_process_end = self.requeue_dead
        self.keeper.watchdog.start()
        signals.worker_shutting_down.connect(self.on_told_to_stop, weak=False)
        signals.worker_shutdown.connect(self.on_drained, weak=False)

    def register_with_event_loop(self, worker: Any, hub: Any) -> None:
        """Look every second whether ``--autoscale`` wants more or fewer processes."""
        hub.call_repeatedly(1.0, scale, worker)

    def requeue_dead(self) -> None:
        """Requeue at once what a process held that has just died."""
        with suppress(StoreUnavailable):  # the lease thread tries again
            if self.keeper:
                self.keeper.processes.requeue_dead(self.keeper.store)

    def stop(self, worker: Any) -> None:
        """Keep the lease while the pool finishes its jobs; ``on_drained`` ends it."""

    def terminate(self, worker: Any) -> None:
        """End without waiting for the pool."""
        if self.keeper:
            self.keeper.abandon()

    def on_told_to_stop(self, **_: Any) -> None:
        """On SIGTERM give jobs ``DRAIN_SECONDS`` to finish, on a second one none."""
        if not self.keeper:
            return
        self.told_to_stop += 1
        left = self.drain_seconds if self.told_to_stop == 1 else 0.0
        timer = threading.Timer(left, self.keeper.abandon)
        timer.daemon = True
        timer.start()

    def on_drained(self, **_: Any) -> None:
        """Sign off when everything is finished."""
        if self.keeper:
            self.keeper.sign_off()


@signals.worker_init.connect
def note_main_process(**_: Any) -> None:
    """Remember which process is the main one."""
    WORKER_PROCESS.main_pid = os.getpid()


@signals.worker_process_init.connect
def die_with_main_process(**_: Any) -> None:
    """In a pool process: end with the main one, or two would run what others give back (Linux)."""
    if os.getpid() == WORKER_PROCESS.main_pid:
        return
    end_with_parent(signal.SIGKILL)
    if sys.platform == "linux" and os.getppid() != WORKER_PROCESS.main_pid:
        os._exit(EXIT_LEASE_LOST)
