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
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from celery import bootsteps, signals
from celery.worker import state

from project.errors import IncompatibleData, StoreUnavailable
from project.job.cancellation import WORKER_PROCESS
from project.processes import end_with_parent
from project.records.grouping import CONTROL_QUEUE
from project.settings.values import Settings, get_settings
from project.store.client import Store
from project.store.commands import attempts, workers
from project.store.migration import prepare_data
from project.worker import memory
from project.worker.maintenance import Maintenance
from project.worker.pool import CancellationMonitor, Pool
from project.worker.streak import is_free
from project.worker.transport import HANDS, Ticks

if TYPE_CHECKING:
    from project.store.commands.command import Argument

log = logging.getLogger(__name__)

RETRY_EVERY = 0.25
FREEZE_MARGIN = 0.5
"""Seconds before the end of the lease at which the pool is held still."""

LOOK_FOR_DEAD_EVERY = 0.5

WORKER_PATIENCE = 3_600.0
"""Seconds a worker goes on trying to write a result while Redis is away."""

LEASE_LOST = 3
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
        self.upkeep = Maintenance(self.store, given, worker.app.publisher)
        self.ended = threading.Event()
        self.pool = Pool(worker)
        self.guard = LeaseWatchdog(self.pool)
        self.stopper = CancellationMonitor(self.store, self.worker_id, self.pool)
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
                wait = RETRY_EVERY

    def round(self) -> float:
        """Renew when it is time, do what is due; the seconds until the next round."""
        if time.monotonic() >= self._renew_at:
            self.renew()
        if late := HANDS.take_late():
            self.store.run(workers.requeue(self.worker_id, late))
        self.pool.bury(self.store)
        pause = min(self.stopper.look(), self.upkeep.work())
        return max(min(pause, self._renew_at - time.monotonic()), 0.0)

    def renew(self, *, first: bool = False) -> None:
        """Say that this worker lives; end it when it was thought dead."""
        asked_at = time.monotonic()
        about: dict[str, Argument] = {
            "slots": self.worker.concurrency,
            "lease_seconds": self.seconds,
            "host": platform.node(),
            "pid": os.getpid(),
            "started_at": f"{self.started_at:.3f}",
            "queues": "\n".join(self.queues()),
            "memory": memory.resident({os.getpid(), *self.pool.processes()}) or "",
        }
        move = workers.renew_lease(self.worker_id, self.seconds, about, first=first)
        if not self.store.run(move):
            log.critical("the lease of %s had ended and its jobs were given away", self.worker_id)
            self.pool.kill()
            os._exit(LEASE_LOST)
        self._renew_at = asked_at + self.seconds / 4
        self.guard.renewed(asked_at + self.seconds)

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
        return RETRY_EVERY

    def sign_off(self) -> None:
        """End; what is still in hand goes back to the queue, uncounted."""
        self.ended.set()
        self.guard.ended.set()
        self.join(timeout=self.seconds)
        try:
            while done := HANDS.take_done():
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
        self.pool.hold_still()
        self.take_back_attempts()
        self.sign_off()
        self.pool.kill()
        os._exit(0)


class LeaseWatchdog(threading.Thread):
    """Holds the pool still when the lease is about to end, on a clock of its own.

    The keeper may be waiting for an answer that does not come.
    """

    def __init__(self, pool: Pool) -> None:
        super().__init__(name="guard", daemon=True)
        self.pool = pool
        self.ended = threading.Event()
        self._changing = threading.Lock()
        self._lease_ends = time.monotonic() + FREEZE_MARGIN

    def run(self) -> None:
        """Until told to end."""
        while not self.ended.wait(self.watch()):
            pass

    def watch(self) -> float:
        """Hold the pool still when it is time; the seconds until to look again."""
        with self._changing:
            left = self._lease_ends - FREEZE_MARGIN - time.monotonic()
            if left <= 0:
                self.pool.hold_still()
        return max(left, RETRY_EVERY)

    def renewed(self, lease_ends: float) -> None:
        """Let the pool go on: the lease holds until ``lease_ends`` (monotonic seconds)."""
        with self._changing:
            self._lease_ends = lease_ends
            self.pool.go_on()


class LeaseStep(bootsteps.StartStopStep):
    """Gives the worker its identity and keeps it alive, whatever its pool."""

    requires = {"celery.worker.components:Pool"}  # noqa: RUF012 - Celery's way: after the forks

    def __init__(self, worker: Any, **_: Any) -> None:
        worker_id = f"{worker.hostname}/{uuid4().hex[:12]}"
        worker.app.worker_id = worker_id
        worker.app.conf.broker_transport_options["worker_id"] = worker_id
        worker.app.can_chain = is_free(worker)
        worker.app.store.patience = WORKER_PATIENCE
        queues = worker.app.amqp.queues
        queues.select([*queues.consume_from, CONTROL_QUEUE])  # whatever -Q says: somebody has to
        self.keeper: LeaseThread | None = None
        self.drain_seconds = get_settings().drain_seconds
        self.told_to_stop = 0

    def start(self, worker: Any) -> None:
        """Take the lease before the first message is fetched."""
        self.keeper = LeaseThread(worker, get_settings())
        self.keeper.store.patience = WORKER_PATIENCE
        try:
            prepare_data(self.keeper.store)
        except IncompatibleData as problem:
            log.critical("%s", problem)
            raise SystemExit(1) from problem
        self.keeper.renew(first=True)
        self.keeper.store.patience = 0.0
        self.keeper.start()
        self.keeper.guard.start()
        signals.worker_shutting_down.connect(self.on_told_to_stop, weak=False)
        signals.worker_shutdown.connect(self.on_drained, weak=False)

    def register_with_event_loop(self, worker: Any, hub: Any) -> None:
        """Look often for pool processes that have died; let the pool hear of messages in time."""
        hub.on_tick = Ticks(hub.on_tick)
        hub.call_repeatedly(LOOK_FOR_DEAD_EVERY, Pool(worker).replace_dead)

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
        os._exit(LEASE_LOST)
