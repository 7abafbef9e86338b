"""The command that admits a request or refuses it."""

from typing import Any, NamedTuple

from project.store.commands.command import Command


class Admission(NamedTuple):
    """Whether a request is admitted, and how many more are now.

    ``reset`` and ``wait`` are the seconds until all ``limit`` requests, and until one, is admitted.
    """

    is_admitted: bool
    left: int
    reset: float
    wait: float


def admit(name: str, limit: int, window: int) -> Command[Admission]:
    """Admit one more request of ``name``, or not: at most ``limit`` in ``window`` seconds."""

    def parse(answer: list[Any]) -> Admission:
        admitted, left, reset, wait = answer
        return Admission(bool(admitted), left, float(reset), float(wait))

    return Command("rate_limits/admit", (name, limit, window), parse)
