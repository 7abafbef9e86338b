"""Discrete-event simulation: processes that wait for time or for a place at a station.

::

    def visit(world: World, station: Station) -> Process:
        yield station        # waits for a place
        yield 0.5            # lets half a second pass
        station.give(world)  # frees the place

A process is a generator. It yields a ``Station`` to get a place there, and a number of seconds to
let them pass.
"""

import heapq
from collections import deque
from collections.abc import Generator

type SimulatedProcess = Generator["Station | float", None, None]


class Station:
    """A number of places, with a first-come-first-served queue."""

    def __init__(self, places: int) -> None:
        self.places = places
        self.busy = 0
        self.busy_seconds = 0.0
        self.waiting: deque[tuple[float, SimulatedProcess]] = deque()
        self._changed = 0.0

    def take(self, world: "World", process: SimulatedProcess) -> bool:
        """Take a place, or join the queue (False)."""
        if self.busy >= self.places:
            self.waiting.append((world.now, process))
            return False
        self._count(world, 1)
        return True

    def give(self, world: "World") -> None:
        """Free a place for the process that has waited longest."""
        self._count(world, -1)
        self.call(world)

    def call(self, world: "World") -> None:
        """Give free places to waiting processes."""
        while self.waiting and self.busy < self.places:
            _, process = self.waiting.popleft()
            self._count(world, 1)
            world.after(0.0, process)

    def age(self, world: "World") -> float:
        """The wait of the first process in the queue, in seconds; 0 when the queue is empty."""
        return world.now - self.waiting[0][0] if self.waiting else 0.0

    def _count(self, world: "World", change: int) -> None:
        self.busy_seconds += self.busy * (world.now - self._changed)
        self._changed = world.now
        self.busy += change


class World:
    """The clock in seconds, and the future events."""

    def __init__(self) -> None:
        self.now = 0.0
        self._events: list[tuple[float, int, SimulatedProcess]] = []
        self._count = 0

    def after(self, seconds: float, process: SimulatedProcess) -> None:
        """Continue a process after ``seconds``."""
        self._count += 1
        heapq.heappush(self._events, (self.now + seconds, self._count, process))

    def run(self, until: float) -> None:
        """Run all events up to a time."""
        while self._events and self._events[0][0] <= until:
            self.now, _, process = heapq.heappop(self._events)
            self._go_on(process)
        self.now = until

    def _go_on(self, process: SimulatedProcess) -> None:
        for wish in process:
            if not isinstance(wish, Station):
                self.after(wish, process)
                return
            if not wish.take(self, process):
                return
