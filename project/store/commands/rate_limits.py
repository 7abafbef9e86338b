"""Whether one more request may pass."""

from typing import Any, NamedTuple

from project.store.commands.command import Command


class Admission(NamedTuple):
    """A request that is admitted or not: how many more are now, seconds until all, until one."""

    is_admitted: bool
    left: int
    reset: float
    wait: float


def admit(name: str, limit: int, window: int) -> Command[Admission]:
    """Whether one more request of ``name`` may pass: at most ``limit`` in ``window`` seconds."""

    def parse(answer: list[Any]) -> Admission:
        admitted, left, reset, wait = answer
        return Admission(bool(admitted), left, float(reset), float(wait))

    return Command("rate_limits/admit", (name, limit, window), parse)
