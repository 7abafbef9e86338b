"""The Redis transport of a worker: no message is ever nowhere.

kombu pops a message and notes it in a second step; a worker killed between the
two loses it. Here messages pass into the worker's hands (a hash of its own) in
the step that takes them off their lists, and acknowledgements ride along with the
next fetch. Lists and messages stay kombu's, so plain Celery clients and workers use
the same queues.

A worker waits on a small bell list that whoever enqueues rings; messages of plain
clients, who do not ring, are found within a second.
"""

import logging
from collections import deque
from collections.abc import Callable, Iterator
from functools import cached_property
from queue import Empty
from threading import Lock
from time import monotonic
from typing import Any, NamedTuple

from kombu.transport import redis as kombu_redis
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import ResponseError
from redis.retry import Retry

from project.messages.validation import parse_message
from project.settings.sentinel_url import SentinelUrl
from project.store.commands import command, workers
from project.store.connection import KEYS, PREFIX, CommandRunner, is_unavailable
from project.store.sentinel import PrimaryConnection

log = logging.getLogger(__name__)

MOST_AT_ONCE = 256
"""Messages a single fetch takes, and acknowledgements a single call carries."""

AHEAD_SECONDS = 0.1
MOST_AHEAD = 64
"""A worker takes as many messages more than it can run as it ended in the last tenth of a
second, so quick jobs come in batches and long ones are left to whoever is free."""

AHEAD_LIMIT = 0.5
"""Seconds after which a message that was taken ahead and still waits goes back."""

ACK_EVERY = 0.05
"""Seconds that acknowledgements wait for company."""


class Ahead(NamedTuple):
    """A message taken ahead: its serial, its list, its text."""

    serial: str
    name: str
    text: bytes


class Hands:
    """What the worker of this process holds beside the jobs that run.

    One per process and not per channel: a job that outlives its connection is
    acknowledged through the next one.
    """

    def __init__(self) -> None:
        self.next_serial = 1
        self.done: deque[str] = deque()
        self.ahead: deque[Ahead] = deque()
        self.gave_leave = False
        self._lock = Lock()
        self._taken_at = self._told_at = monotonic()
        self._ended = 0

    def take_done(self) -> list[str]:
        """Serials to acknowledge now."""
        serials = [self.done.popleft() for _ in range(min(len(self.done), MOST_AT_ONCE))]
        self._ended += len(serials)
        self._told_at = monotonic()
        return serials

    def has_to_tell(self) -> bool:
        """Whether acknowledgements have waited long enough."""
        waited = monotonic() - self._told_at
        return bool(self.done) and (waited >= ACK_EVERY or len(self.done) >= MOST_AHEAD)

    def appetite(self) -> int:
        """How many messages to take ahead, by how fast jobs end here.

        None while pool processes take the next ones themselves: theirs would come first.
        """
        now = monotonic()
        passed, self._taken_at = now - self._taken_at, now
        ended, self._ended = self._ended + len(self.done), -len(self.done)
        most = 0 if self.gave_leave else MOST_AHEAD
        return min(int(ended / max(passed, 1e-3) * AHEAD_SECONDS), most)

    def keep(self, messages: list[Ahead]) -> None:
        """Hold messages until there is room for their jobs."""
        with self._lock:
            self.ahead.extend(messages)

    def take_one(self) -> Ahead | None:
        """The next message to run."""
        with self._lock:
            return self.ahead.popleft() if self.ahead else None

    def take_late(self) -> list[str]:
        """The serials of all that was taken ahead too long ago; they are held no more."""
        with self._lock:
            if not self.ahead or monotonic() - self._taken_at < AHEAD_LIMIT:
                return []
            serials = [message.serial for message in self.ahead]
            self.ahead.clear()
            return serials


HANDS = Hands()


class Ticks(set[Callable[[], None]]):
    """What the event loop calls before each wait: the pool last.

    A set is called in any order. A message that is fed to the pool after its turn
    would wait for its process until the loop has waited, up to a second.
    """

    def __iter__(self) -> Iterator[Callable[[], None]]:
        return iter(sorted(super().__iter__(), key=is_of_pool))


def is_of_pool(callback: Callable[[], None]) -> bool:
    """Whether a callback is the one with which Celery's pool writes to its processes."""
    return callback.__module__ == "celery.concurrency.asynpool"


class QoS(kombu_redis.QoS):
    """Counts what is in hand; the fetch itself has noted it in Redis."""

    def append(self, message: Any, delivery_tag: str) -> None:
        """Count a message as in hand."""
        kombu_redis.virtual.QoS.append(self, message, delivery_tag)

    def ack(self, delivery_tag: str) -> None:
        """Be done with a message; Redis hears of it with the next fetch."""
        HANDS.done.append(delivery_tag)
        kombu_redis.virtual.QoS.ack(self, delivery_tag)

    def reject(self, delivery_tag: str, requeue: bool = False) -> None:
        """Give a message back, or be done with it."""
        if requeue:
            self.channel.run(workers.requeue(self.channel.worker_id, [delivery_tag]))
            kombu_redis.virtual.QoS.ack(self, delivery_tag)
        else:
            self.ack(delivery_tag)

    def restore_unacked(self, client: Any = None) -> None:
        """Keep what is in hand noted when the channel closes: jobs may still be running.

        The worker gives the others back when it is connected again or signs off;
        when it is dead, others do.
        """
        self._delivered.clear()

    def restore_visible(self, start: int = 0, num: int = 10, interval: int = 10) -> None:
        """Do nothing: leases tell who is dead, not the age of a message."""


class Poller(kombu_redis.MultiChannelPoller):
    """Feeds the worker between its waits."""

    def on_poll_start(self) -> None:
        """Run what is in hand, fetch more, tell what is done; then wait if there is nothing."""
        for channel in self._channels:
            if channel.holds_jobs:
                channel.feed()
        super().on_poll_start()


class Channel(kombu_redis.Channel):
    """A channel that fetches jobs atomically when it is a worker's; else kombu's own."""

    from_transport_options = (
        *kombu_redis.Channel.from_transport_options,
        "worker_id",
        "store_keys",
        "watched",
    )
    worker_id = ""
    store_keys = KEYS
    watched: SentinelUrl | None = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._acknowledged_queues: set[str] = set()
        self._is_more = False
        if self.worker_id:
            self.QoS = QoS

    @property
    def holds_jobs(self) -> bool:
        """Whether this channel consumes queues whose messages are acknowledged."""
        return bool(self.worker_id and self._acknowledged_queues)

    def basic_consume(self, queue: str, no_ack: bool, *args: Any, **kwargs: Any) -> Any:
        """Consume; queues of replies, which nobody acknowledges, stay kombu's."""
        if not no_ack and queue not in self._fanout_queues:
            self._acknowledged_queues.add(queue)
        return super().basic_consume(queue, no_ack, *args, **kwargs)

    def run[T](self, move: command.Command[T]) -> T:
        """Do a move on this channel's own connections."""
        try:
            return self._scripts.run(move)
        except ResponseError as problem:
            if is_unavailable(problem):  # what the consumer answers by connecting again
                raise RedisConnectionError(str(problem)) from problem
            raise

    def feed(self) -> None:
        """Deliver what was taken ahead, and fetch again as long as that brings something."""
        self._deliver_ahead()
        if self._is_more and not HANDS.ahead and self.qos.can_consume():
            self._take()
            self._deliver_ahead()
        elif HANDS.has_to_tell():
            self._tell()

    def _tell(self) -> None:
        serials = HANDS.take_done()
        try:
            self.run(workers.ack(self.worker_id, serials))
        except BaseException:
            HANDS.done.extendleft(serials)
            raise

    @cached_property
    def _scripts(self) -> CommandRunner:
        return CommandRunner(self._create_client(), self.store_keys)

    def _connparams(self, asynchronous: bool = False) -> Any:
        if self.connection is None or self.connection.client is None:
            raise RedisConnectionError("the channel is closed")  # kombu: AttributeError, fatal
        # a connection that fails goes straight to the consumer's reconnect, which is quicker
        own: dict[str, Any] = {"retry": Retry(NoBackoff(), 0)}
        if self.watched:
            self.connection_class = PrimaryConnection
            own["watched"] = self.watched
        return super()._connparams(asynchronous) | own

    def _brpop_start(self, timeout: float | None = None) -> None:
        if not self.holds_jobs:
            super()._brpop_start(timeout)
            return
        bells = [f"{PREFIX}wakeup:{queue}" for queue in self.active_queues]
        self._in_poll = self.client.connection
        self._brpop_sent_at = monotonic()
        self.client.connection.send_command("BRPOP", *bells, timeout or self.brpop_timeout or 0)

    def _brpop_read(self, **options: Any) -> Any:
        if not self.holds_jobs:
            return super()._brpop_read(**options)
        try:
            self._wait_for_bell(**options)
        finally:
            self._in_poll = None
        if self._closing or not self._take():
            raise Empty
        self._deliver_ahead()
        return True

    def _wait_for_bell(self, **options: Any) -> None:
        connection = self.client.connection
        try:
            self.client.parse_response(connection, "BRPOP", **options)
        except self.connection_errors:
            connection.disconnect()
            raise

    def _take(self) -> bool:
        """Fetch as much as there is room and appetite for; whether that was anything."""
        room = self.qos.can_consume_max_estimate()
        most = MOST_AT_ONCE if room is None else min(room + HANDS.appetite(), MOST_AT_ONCE)
        taken = self._fetch(most) if most else []
        self._is_more = bool(taken) and len(taken) == most
        HANDS.keep(taken)
        return bool(taken)

    def _fetch(self, most: int) -> list[Ahead]:
        done, first = HANDS.take_done(), HANDS.next_serial
        move = workers.fetch(self.worker_id, serial=first, most=most, done=done, lists=self.lists())
        HANDS.next_serial += most
        try:
            found = self.run(move)
        except BaseException:
            HANDS.done.extendleft(done)
            raise
        return [Ahead(str(first + offset), *item) for offset, item in enumerate(found)]

    def is_level(self) -> bool:
        """Whether there is room for all that was taken: nothing waits that would come first."""
        room = self.qos.can_consume_max_estimate()
        return room is None or len(HANDS.ahead) <= room

    def lists(self) -> list[str]:
        """The lists of its queues, in the order in which they are looked at now."""
        queues = self._queue_cycle.consume(len(self.active_queues))
        return [
            self._q_for_pri(queue, priority) for priority in self.priority_steps for queue in queues
        ]

    def _deliver_ahead(self) -> None:
        while self.qos.can_consume() and (message := HANDS.take_one()):
            self._deliver_one(*message)

    def _deliver_one(self, serial: str, name: str, text: bytes) -> None:
        queue = name.split(self.sep, 1)[0]
        self._queue_cycle.rotate(queue)
        message = parse_message(text)
        if message is None:
            self.put_aside(serial)
            return
        message["properties"]["delivery_tag"] = serial
        self.connection._deliver(message, queue)  # noqa: SLF001 - as kombu's own channel does

    def put_aside(self, serial: str) -> None:
        """Keep a message that nobody can read where a person finds it."""
        count = self.run(workers.add_dead_letter(self.worker_id, serial))
        log.error("unreadable message put aside, number %d in %sdead_letters", count, PREFIX)


class Transport(kombu_redis.Transport):
    """``broker_transport = "project.worker.transport:Transport"``."""

    Channel = Channel

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.cycle = Poller()
