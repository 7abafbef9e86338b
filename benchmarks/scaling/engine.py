"""Discrete events: processes that wait for time or for a place at a station.

::

    def visit(world: World, station: Station) -> Process:
        yield station        # waits for a place
        yield 0.5            # seconds pass
        station.give(world)  # the place is free again

A process is a generator: it yields a ``Station`` to get a place there and a number of seconds to
let them pass.
"""

import heapq
from collections import deque
from collections.abc import Generator

type SimulatedProcess = Generator["Station | float", None, None]


class Station:
    """So many places, and a queue of those who wait for one: first come, first served."""

    def __init__(self, places: int) -> None:
        self.places = places
        self.busy = 0
        self.busy_seconds = 0.0
        self.waiting: deque[tuple[float, SimulatedProcess]] = deque()
        self._changed = 0.0

    def take(self, world: "World", process: SimulatedProcess) -> bool:
        """Take a place, or wait in the queue (False)."""
        if self.busy >= self.places:
            self.waiting.append((world.now, process))
            return False
        self._count(world, 1)
        return True

    def give(self, world: "World") -> None:
        """Free a place; who waits longest gets it."""
        self._count(world, -1)
        self.call(world)

    def call(self, world: "World") -> None:
        """Let those in who wait, as many as there are places."""
        while self.waiting and self.busy < self.places:
            _, process = self.waiting.popleft()
            self._count(world, 1)
            world.after(0.0, process)

    def age(self, world: "World") -> float:
        """Seconds that the first in the queue has waited, 0 when nobody waits."""
        return world.now - self.waiting[0][0] if self.waiting else 0.0

    def _count(self, world: "World", change: int) -> None:
        self.busy_seconds += self.busy * (world.now - self._changed)
        self._changed = world.now
        self.busy += change


class World:
    """The clock, in seconds, and what is to happen."""

    def __init__(self) -> None:
        self.now = 0.0
        self._events: list[tuple[float, int, SimulatedProcess]] = []
        self._count = 0

    def after(self, seconds: float, process: SimulatedProcess) -> None:
        """Let a process go on in so many seconds."""
        self._count += 1
        heapq.heappush(self._events, (self.now + seconds, self._count, process))

    def run(self, until: float) -> None:
        """Let it all happen, up to a time."""
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
