"""The size of the benchmark: in full, and the quick form of less than three minutes."""

from dataclasses import dataclass


@dataclass(frozen=True)
class BenchmarkScale:
    """Counts, durations in seconds, and rates per second.

    ``http``: duration of each HTTP load; ``warm``: duration of the warm-up before the first of its
    kind. ``drain``: the approximate duration of a drain. ``sizes``: numbers of records at which
    growth is measured.
    """

    rounds: int = 5
    http: float = 1.5
    warm: float = 0.5
    post_rate: float = 200.0
    get_rate: float = 400.0
    drain: float = 3.0
    idle_rate: float = 40.0
    idle: float = 3.0
    half: float = 3.0
    bulk: int = 20_000
    sizes: tuple[int, ...] = (1_000, 100_000, 1_000_000)
    looks: int = 5
    reports: int = 40
    recipients: int = 2_000


FULL = BenchmarkScale()
QUICK = BenchmarkScale(
    rounds=1,
    http=1.0,
    warm=0.3,
    drain=2.0,
    idle_rate=50.0,
    idle=1.0,
    half=1.5,
    bulk=10_000,
    sizes=(1_000, 20_000),
    looks=3,
    reports=8,
    recipients=400,
)
