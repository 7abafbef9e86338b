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
from functools import cached_property
from queue import Empty
from time import monotonic
from typing import Any, NamedTuple

from kombu.transport import redis as kombu_redis
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import ResponseError
from redis.retry import Retry

from project.errors import StoreUnavailable
from project.messages.validation import parse_message
from project.settings.sentinel_url import SentinelUrl
from project.store.commands import command, queues, workers
from project.store.connection import KEYS, PREFIX, CommandRunner, is_unavailable
from project.store.sentinel import PrimaryConnection

log = logging.getLogger(__name__)

MAX_BATCH = 256
"""Messages a single fetch takes, and acknowledgements a single call carries."""

PURGE_BATCH = 500
"""Messages that a single command of a purge throws away."""

ACK_DELAY_SECONDS = 0.05
"""Seconds that acknowledgements wait for company."""

MAX_WAITING_ACKS = 64

FULL_SECONDS = 0.02
"""Seconds between two looks for a free slot, where there is no event loop."""


class FetchedMessage(NamedTuple):
    """A message this worker holds: its serial, its list, its text."""

    serial: str
    name: str
    text: bytes


class Acknowledgements:
    """Serials of messages that this worker process is done with, and the next serial.

    One per process and not per channel: a job that outlives its connection is
    acknowledged through the next one.
    """

    def __init__(self) -> None:
        self.next_serial = 1
        self.done: deque[str] = deque()
        self._sent_at = monotonic()

    def take(self) -> list[str]:
        """Serials to acknowledge now."""
        self._sent_at = monotonic()
        return [self.done.popleft() for _ in range(min(len(self.done), MAX_BATCH))]

    def are_due(self) -> bool:
        """Whether they have waited long enough."""
        waited = monotonic() - self._sent_at
        return bool(self.done) and (
            waited >= ACK_DELAY_SECONDS or len(self.done) >= MAX_WAITING_ACKS
        )


ACKNOWLEDGEMENTS = Acknowledgements()


class QoS(kombu_redis.QoS):
    """Counts what is in hand; the fetch itself has noted it in Redis."""

    def append(self, message: Any, delivery_tag: str) -> None:
        """Count a message as in hand."""
        kombu_redis.virtual.QoS.append(self, message, delivery_tag)

    def ack(self, delivery_tag: str) -> None:
        """Be done with a message; Redis hears of it with the next fetch."""
        ACKNOWLEDGEMENTS.done.append(delivery_tag)
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
        """Tell what is done; then wait."""
        for channel in self._channels:
            if channel.holds_jobs:
                channel.feed()
        super().on_poll_start()

    def get(self, callback: Any, timeout: float | None = None) -> Any:
        """Wait for a message where there is no event loop: with gevent and eventlet.

        Nothing ends the wait when a slot becomes free, so it is short while there is none.
        """
        if any(each.holds_jobs and not each.qos.can_consume() for each in self._channels):
            timeout = FULL_SECONDS if timeout is None else min(timeout, FULL_SECONDS)
        return super().get(callback, timeout)


class Channel(kombu_redis.Channel):
    """A channel that fetches jobs atomically once it ``hold_jobs``; until then kombu's own."""

    from_transport_options = (
        *kombu_redis.Channel.from_transport_options,
        "worker_id",
        "store_keys",
        "watched",
        "fetches_jobs",
    )
    worker_id = ""
    fetches_jobs = True
    """Whether this channel takes jobs: not where the pool processes claim them."""

    store_keys = KEYS
    watched: SentinelUrl | None = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._acknowledged_queues: set[str] = set()
        self._is_for_jobs = False

    def hold_jobs(self) -> None:
        """Become the channel of the jobs of a worker; call it before the first queue.

        Its other channels, such as those of a ``ConsumerStep``, stay kombu's.
        """
        self._is_for_jobs = bool(self.worker_id)
        if self._is_for_jobs:
            self.QoS, self._qos = QoS, None  # kombu has made its own at the connect

    @property
    def holds_jobs(self) -> bool:
        """Whether this channel consumes queues whose messages are acknowledged."""
        return self._is_for_jobs and self.fetches_jobs and bool(self._acknowledged_queues)

    def basic_consume(self, queue: str, no_ack: bool, *args: Any, **kwargs: Any) -> Any:
        """Consume; queues of replies, which nobody acknowledges, stay kombu's."""
        if not no_ack and queue not in self._fanout_queues:
            self._acknowledged_queues.add(queue)
        return super().basic_consume(queue, no_ack, *args, **kwargs)

    @property
    def active_queues(self) -> list[str]:
        """The queues this channel polls: not those from which the pool processes claim."""
        queues: list[str] = super().active_queues
        if self.fetches_jobs or not self._is_for_jobs:
            return queues
        return [queue for queue in queues if queue not in self._acknowledged_queues]

    def run[T](self, move: command.Command[T]) -> T:
        """Do a move on this channel's own connections."""
        try:
            return self._scripts.run(move)
        except ResponseError as problem:
            if is_unavailable(problem):  # what the consumer answers by connecting again
                raise RedisConnectionError(str(problem)) from problem
            raise

    def feed(self) -> None:
        """Acknowledge what is done.

        Nothing is fetched here: what a job leaves to the event loop, such as its acknowledgement,
        would wait until the next event. A fetch that leaves messages behind wakes a worker.
        """
        if ACKNOWLEDGEMENTS.are_due():
            self._tell()

    def _tell(self) -> None:
        serials = ACKNOWLEDGEMENTS.take()
        try:
            self.run(workers.ack(self.worker_id, serials))
        except BaseException:
            ACKNOWLEDGEMENTS.done.extendleft(serials)
            raise

    @cached_property
    def _scripts(self) -> CommandRunner:
        return CommandRunner(self._create_client(), self.store_keys, is_numbered=self._is_for_jobs)

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
        return True

    def _wait_for_bell(self, **options: Any) -> None:
        connection = self.client.connection
        try:
            self.client.parse_response(connection, "BRPOP", **options)
        except self.connection_errors:
            connection.disconnect()
            raise

    def _take(self) -> bool:
        """Fetch and deliver as much as there is room for; whether that was anything."""
        room = self.qos.can_consume_max_estimate()
        most = MAX_BATCH if room is None else min(room, MAX_BATCH)
        fetched = self._fetch(most) if most else []
        for message in fetched:
            self._deliver_one(*message)
        return bool(fetched)

    def _fetch(self, most: int) -> list[FetchedMessage]:
        done, first = ACKNOWLEDGEMENTS.take(), ACKNOWLEDGEMENTS.next_serial
        move = workers.fetch(self.worker_id, serial=first, most=most, done=done, lists=self.lists())
        ACKNOWLEDGEMENTS.next_serial += most
        try:
            found = self.run(move)
        except BaseException:
            ACKNOWLEDGEMENTS.done.extendleft(done)
            raise
        return [FetchedMessage(str(first + offset), *item) for offset, item in enumerate(found)]

    def lists(self) -> list[str]:
        """The lists of its queues, in the order in which they are looked at now."""
        queues = self._queue_cycle.consume(len(self.active_queues))
        return [
            self._q_for_pri(queue, priority) for priority in self.priority_steps for queue in queues
        ]

    def _deliver_one(self, serial: str, name: str, text: bytes) -> None:
        queue = name.split(self.sep, 1)[0]
        self._queue_cycle.rotate(queue)
        message = parse_message(text)
        if message is None:
            self.put_aside(serial)
            return
        message["properties"]["delivery_tag"] = serial
        try:
            self.connection._deliver(message, queue)  # noqa: SLF001 - as kombu's own channel does
        except (*self.connection_errors, StoreUnavailable):
            raise
        except Exception:  # Celery's consumer ends the worker when a message surprises it
            log.exception("a message cannot be handled")
            kombu_redis.virtual.QoS.ack(self.qos, serial)
            self.put_aside(serial)

    def _purge(self, queue: str) -> int:
        """Throw away the messages of a queue, and cancel their jobs: ``celery purge``."""
        count = 0
        while purged := self.run(queues.purge(queue, PURGE_BATCH)):
            count += purged
        return count

    def put_aside(self, serial: str) -> None:
        """Keep a message that nobody can handle where a person finds it."""
        count = self.run(workers.add_dead_letter(self.worker_id, serial))
        log.error("unreadable message put aside, number %d in %sdead_letters", count, PREFIX)


class Transport(kombu_redis.Transport):
    """``broker_transport = "project.worker.transport:Transport"``."""

    Channel = Channel

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.cycle = Poller()
