"""The last hour, minute by minute, from snapshots of counters that only grow. Pure.

A worker saves the sums over all jobs once a minute. The difference of two snapshots is what
happened between them. So the history costs nothing per job.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import msgspec

from project.records.counters import BUCKET_BOUNDS_SECONDS

MINUTE_SECONDS = 60.0
HISTORY_MINUTES = 60
MAX_SNAPSHOTS = HISTORY_MINUTES + 1
"""How many snapshots are kept: one at the beginning of each minute, and one at its end."""


class Snapshot(NamedTuple):
    """Sums over all jobs, ``at`` seconds since the epoch.

    ``waits``: how many attempts waited how long, by bucket of ``counters``.
    """

    at: float
    ordered: int
    success: int
    failed: int
    cancelled: int
    waits: tuple[int, ...]


class Minute(msgspec.Struct, frozen=True):
    """What happened in the minute that began ``at``, in seconds since the epoch.

    ``ordered``: new jobs. ``success``, ``failed`` and ``cancelled``: jobs that ended with this
    status. ``wait_p50`` and ``wait_p95``: median and 95th percentile of the seconds that attempts
    waited before they began, estimated; null when none began.
    """

    at: float
    ordered: int
    success: int
    failed: int
    cancelled: int
    wait_p50: float | None
    wait_p95: float | None


def parse_snapshot(text: bytes) -> Snapshot:
    """A snapshot as Redis keeps it: numbers between spaces."""
    at, ordered, success, failed, cancelled, *waits = text.split()
    buckets = tuple(map(int, waits))
    return Snapshot(float(at), int(ordered), int(success), int(failed), int(cancelled), buckets)


def build_minutes(snapshots: Sequence[Snapshot]) -> list[Minute]:
    """The last hour, oldest minute first; ``snapshots`` are newest first, from now on back."""
    last = snapshots[0].at // MINUTE_SECONDS
    slots: dict[float, list[Snapshot]] = {
        last - ago: [] for ago in reversed(range(HISTORY_MINUTES))
    }
    for newer, older in pairwise(snapshots):
        middle = (newer.at + older.at) / 2 // MINUTE_SECONDS
        if middle in slots:
            slots[middle].append(subtract_snapshots(newer, older))
    return [build_minute(number * MINUTE_SECONDS, parts) for number, parts in slots.items()]


def subtract_snapshots(newer: Snapshot, older: Snapshot) -> Snapshot:
    """What happened between two snapshots; nothing when the counters were reset."""
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
    """A minute from the parts of it that lie between snapshots."""
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
    """The quantile of a histogram in seconds, interpolated within its bucket; None if empty."""
    left = share * sum(counts)
    edges: tuple[float, ...] = (0.0, *BUCKET_BOUNDS_SECONDS)
    for place, count in enumerate(counts):
        if count and left <= count:
            lower, upper = edges[place], edges[min(place + 1, len(BUCKET_BOUNDS_SECONDS))]
            return lower + (upper - lower) * left / count
        left -= count
    return None
