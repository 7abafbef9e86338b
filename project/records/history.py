"""The last hour, minute by minute, out of what is counted for ever. Pure.

The sums of all jobs are written down as each minute begins, or some seconds later; the
difference of two notes is what happened in between. So a job costs nothing for it, whatever
process ran it.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import msgspec

from project.records.counters import BUCKET_BOUNDS_SECONDS

MINUTE_SECONDS = 60.0
HISTORY_MINUTES = 60
MAX_SNAPSHOTS = HISTORY_MINUTES + 1
"""So many are kept: each minute has one at its beginning, and is over with the next."""


class Snapshot(NamedTuple):
    """Sums since ever, ``at`` seconds since the epoch.

    ``waits``: how many attempts had waited how long, by the buckets of ``counters``.
    """

    at: float
    ordered: int
    success: int
    failed: int
    cancelled: int
    waits: tuple[int, ...]


class Minute(msgspec.Struct, frozen=True):
    """What happened in the minute that began ``at``, in seconds since the epoch.

    ``ordered``: new jobs; ``success``, ``failed`` and ``cancelled``: jobs that ended so;
    ``wait_p50`` and ``wait_p95``: seconds that half, and 95 of 100, of the attempts that began
    had waited at most, about; null when none began.
    """

    at: float
    ordered: int
    success: int
    failed: int
    cancelled: int
    wait_p50: float | None
    wait_p95: float | None


def parse_snapshot(text: bytes) -> Snapshot:
    """A note as Redis keeps it: numbers between spaces."""
    at, ordered, success, failed, cancelled, *waits = text.split()
    buckets = tuple(map(int, waits))
    return Snapshot(float(at), int(ordered), int(success), int(failed), int(cancelled), buckets)


def build_minutes(notes: Sequence[Snapshot]) -> list[Minute]:
    """The last hour, oldest minute first; ``notes`` begin with the sums of now, newest first."""
    last = notes[0].at // MINUTE_SECONDS
    slots: dict[float, list[Snapshot]] = {
        last - ago: [] for ago in reversed(range(HISTORY_MINUTES))
    }
    for newer, older in pairwise(notes):
        middle = (newer.at + older.at) / 2 // MINUTE_SECONDS
        if middle in slots:
            slots[middle].append(subtract_snapshots(newer, older))
    return [build_minute(number * MINUTE_SECONDS, parts) for number, parts in slots.items()]


def subtract_snapshots(newer: Snapshot, older: Snapshot) -> Snapshot:
    """What happened between two notes; nothing when counting began anew."""
    waits = zip(newer.waits, older.waits, strict=True)
    return Snapshot(
        newer.at,
        max(newer.ordered - older.ordered, 0),
        max(newer.success - older.success, 0),
        max(newer.failed - older.failed, 0),
        max(newer.cancelled - older.cancelled, 0),
        tuple(max(new - old, 0) for new, old in waits),
    )


def build_minute(at: float, parts: Sequence[Snapshot]) -> Minute:
    """A minute of what happened in parts of it."""
    waits = [sum(counts) for counts in zip(*(part.waits for part in parts), strict=True)]
    return Minute(
        at,
        ordered=sum(part.ordered for part in parts),
        success=sum(part.success for part in parts),
        failed=sum(part.failed for part in parts),
        cancelled=sum(part.cancelled for part in parts),
        wait_p50=estimate_quantile(waits, 0.5),
        wait_p95=estimate_quantile(waits, 0.95),
    )


def estimate_quantile(counts: Sequence[int], share: float) -> float | None:
    """The seconds that a share had at most, evenly spread in each bucket; None for nobody."""
    left = share * sum(counts)
    edges: tuple[float, ...] = (0.0, *BUCKET_BOUNDS_SECONDS)
    for place, count in enumerate(counts):
        if count and left <= count:
            lower, upper = edges[place], edges[min(place + 1, len(BUCKET_BOUNDS_SECONDS))]
            return lower + (upper - lower) * left / count
        left -= count
    return None
