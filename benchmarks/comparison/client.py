"""The load client: HTTP/1.1 over persistent connections, in a closed or an open loop.

A closed loop sends the next request of a connection after the answer to the previous one: it
finds the highest rate. An open loop sends at a fixed rate, independent of the server, and counts
each latency from the time the request was due, so that a stall counts for every request it delays.

Requests are bytes built beforehand. Any answer other than 2xx ends the run with an error.
"""

import asyncio
import re
import threading
import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Sequence
from itertools import cycle
from typing import NamedTuple, cast

import uvloop

HOST = "127.0.0.1"
MARGIN_SECONDS = 30.0
"""How much longer than planned a run may take."""

LENGTH_PATTERN = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


class LoadResult(NamedTuple):
    """Answers per second, and the latency of each answer in seconds."""

    rate: float
    latencies: list[float]


def build_get(path: str) -> bytes:
    """Build a GET request."""
    return f"GET {path} HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode()


def build_post(path: str, body: bytes) -> bytes:
    """Build a POST request with a JSON body."""
    head = f"POST {path} HTTP/1.1\r\nHost: {HOST}\r\nContent-Type: application/json\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


def run_closed_loop(
    port: int, requests: Sequence[bytes], *, connections: int, seconds: float
) -> LoadResult:
    """Send on every connection as soon as its last request is answered."""
    return uvloop.run(run_loop(lambda: ClosedLoop(requests, seconds), port, connections, seconds))


def run_open_loop(
    port: int, requests: Sequence[bytes], *, connections: int, rate: float, seconds: float
) -> LoadResult:
    """Send ``rate`` requests per second, each on any free connection."""
    return uvloop.run(
        run_loop(lambda: OpenLoop(requests, rate, seconds), port, connections, seconds)
    )


async def run_loop(
    make: Callable[[], "LoadLoop"], port: int, connections: int, seconds: float
) -> LoadResult:
    """Run a loop over this number of connections."""
    events, loop = asyncio.get_running_loop(), make()
    async with asyncio.timeout(seconds + MARGIN_SECONDS):
        opened = [
            (await events.create_connection(lambda: LoadConnection(loop), HOST, port))[1]
            for _ in range(connections)
        ]
        try:
            loop.begin(opened)
            await loop.done
        finally:
            for connection in opened:
                connection.close()
    return loop.load()


class LoadConnection(asyncio.Protocol):
    """A connection with at most one request in flight."""

    def __init__(self, loop: "LoadLoop") -> None:
        self.since = 0.0
        self._loop = loop
        self._received = b""
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = cast("asyncio.Transport", transport)

    def send(self, request: bytes, since: float) -> None:
        """Send a request whose latency counts from ``since``."""
        self.since = since
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        """Pass a complete answer to the loop."""
        self._received += data
        head = self._received.find(b"\r\n\r\n")
        if head < 0:
            return
        length = LENGTH_PATTERN.search(self._received, 0, head)
        if self._received[9:10] != b"2" or not length:
            self._loop.fail(f"answered {self._received[:500]!r}")
        elif len(self._received) >= head + 4 + int(length[1]):
            self._received = b""
            self._loop.receive_answer(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """Fail the run when the server closes the connection too early."""
        self._loop.fail(f"the server closed a connection: {exc}")

    def close(self) -> None:
        """Close the connection."""
        self._transport.close()


class LoadLoop(ABC):
    """Decides when to send requests, and collects the latencies."""

    def __init__(self, requests: Sequence[bytes]) -> None:
        self.requests = cycle(requests)
        self.latencies: list[float] = []
        self.done = asyncio.get_running_loop().create_future()

    @abstractmethod
    def begin(self, connections: list[LoadConnection]) -> None:
        """Send the first requests."""

    @abstractmethod
    def receive_answer(self, connection: LoadConnection) -> None:
        """Note an answer, then send the next request or end."""

    @abstractmethod
    def load(self) -> LoadResult:
        """The result of the run."""

    def end(self) -> None:
        """End the run after the last answer."""
        if not self.done.done():
            self.done.set_result(None)

    def fail(self, problem: str) -> None:
        """End the run with an error, unless it has ended."""
        if not self.done.done():
            self.done.set_exception(ConnectionError(problem))


class ClosedLoop(LoadLoop):
    """Sends for a number of seconds; later answers do not count for the rate."""

    def __init__(self, requests: Sequence[bytes], seconds: float) -> None:
        super().__init__(requests)
        self.seconds = seconds
        self.last = time.perf_counter() + seconds
        self.in_time = 0
        self.busy = 0

    def begin(self, connections: list[LoadConnection]) -> None:
        """Send one request on each connection."""
        self.last = time.perf_counter() + self.seconds
        self.busy = len(connections)
        for connection in connections:
            connection.send(next(self.requests), time.perf_counter())

    def receive_answer(self, connection: LoadConnection) -> None:
        """Send the next request while there is time."""
        at = time.perf_counter()
        self.latencies.append(at - connection.since)
        if at < self.last:
            self.in_time += 1
            connection.send(next(self.requests), at)
            return
        self.busy -= 1
        if not self.busy:
            self.end()

    def load(self) -> LoadResult:
        """The answers within the time, per second."""
        return LoadResult(self.in_time / self.seconds, self.latencies)


class OpenLoop(LoadLoop):
    """Sends at a fixed rate. A thread keeps the time: event loops round to milliseconds."""

    def __init__(self, requests: Sequence[bytes], rate: float, seconds: float) -> None:
        super().__init__(requests)
        self.rate = rate
        self.total = round(rate * seconds)
        self.free: list[LoadConnection] = []
        self.due: deque[float] = deque()
        self.events = asyncio.get_running_loop()

    def begin(self, connections: list[LoadConnection]) -> None:
        """Start the clock."""
        self.free = connections.copy()
        threading.Thread(target=self.keep_time, daemon=True).start()

    def keep_time(self) -> None:
        """Request one send at each due time."""
        start = time.perf_counter()
        for number in range(self.total):
            moment = start + number / self.rate
            time.sleep(max(moment - time.perf_counter(), 0.0))
            if self.done.done():
                return
            self.events.call_soon_threadsafe(self.ask, moment)

    def ask(self, moment: float) -> None:
        """Queue the request that is due, for the next free connection."""
        self.due.append(moment)
        self.send_due()

    def send_due(self) -> None:
        """Send queued requests on free connections."""
        while self.due and self.free:
            self.free.pop().send(next(self.requests), self.due.popleft())

    def receive_answer(self, connection: LoadConnection) -> None:
        """Free the connection for another request."""
        self.latencies.append(time.perf_counter() - connection.since)
        self.free.append(connection)
        self.send_due()
        if len(self.latencies) == self.total:
            self.end()

    def load(self) -> LoadResult:
        """The result of all requests."""
        return LoadResult(self.rate, self.latencies)
