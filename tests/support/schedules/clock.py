"""A clock for Redis that a test moves: the scripts take the time from one place."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

import redis

from project.store.client import Store
from project.store.scripts import DIGESTS, SCRIPTS, digest_of

KEY = "tests:clock"
TIME = "redis.call('TIME')"
MOVED_TIME = f"""(function()
  local at, real = redis.call('GET', '{KEY}'), {TIME}
  local offset = at and at:match('^offset (.+)$')
  if offset then return {{ string.format('%d', real[1] + offset), real[2] }} end
  return at and {{ at:match('^%d+'), at:match('%d+$') }} or real
end)()"""
"""The time in the key, the real time and an offset, or the real time."""


class Clock:
    """Seconds since 1970, as the scripts see them."""

    def __init__(self, store: Store, at: float) -> None:
        self.store = store
        self.set(at)

    def set(self, at: float) -> None:
        self.at = at
        self.store.client.set(KEY, f"{at:.6f}")

    def forward(self, seconds: float) -> None:
        self.set(self.at + seconds)


def set_running_clock(client: redis.Redis, at: float) -> None:
    """Let a moved clock show a time now, and run on."""
    client.set(KEY, f"offset {at - time.time():.0f}")


def move_scripts() -> None:
    """Let all scripts of this process take the time from a key."""
    for name, lua in tuple(SCRIPTS.items()):
        moved = lua.replace(TIME, MOVED_TIME)
        SCRIPTS[name], DIGESTS[name] = moved, digest_of(moved)


@contextmanager
def simulate_clock(store: Store, at: float) -> Iterator[Clock]:
    """A clock of the scripts that stands still until it is moved."""
    before = dict(SCRIPTS), dict(DIGESTS)
    move_scripts()
    try:
        yield Clock(store, at)
    finally:
        SCRIPTS.update(before[0])
        DIGESTS.update(before[1])
