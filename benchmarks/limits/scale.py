"""How much is measured."""

from typing import NamedTuple


class LimitScale(NamedTuple):
    """``seconds`` that each load lasts; the others are numbers of jobs, tenants, lanes or kills."""

    flood: int
    seconds: float
    tenants: int
    turns: int
    drain: int
    rounds: int
    rate: int
    lanes: int
    kills: int


FULL = LimitScale(
    flood=1_000_000,
    seconds=60,
    tenants=1_000,
    turns=10_000,
    drain=20_000,
    rounds=5,
    rate=100,
    lanes=10_000,
    kills=1_000,
)
QUICK = LimitScale(
    flood=20_000,
    seconds=10,
    tenants=100,
    turns=1_400,
    drain=5_000,
    rounds=3,
    rate=50,
    lanes=1_000,
    kills=10,
)
