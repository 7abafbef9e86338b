"""Jobs of a soak: most work, some do not at once."""

import random

from project.celery import app

FAULT_SHARE = 0.3
"""Of the flaky ones: the share of attempts that do not work."""


class TemporaryFault(Exception):
    """What goes wrong now and then."""


@app.task(name="soak.quick")
def quick(number: int) -> int:
    """Hardly anything."""
    return number


@app.task(
    name="soak.flaky", autoretry_for=(TemporaryFault,), retry_backoff=True, retry_backoff_max=30
)
def flaky(number: int) -> int:
    """Fails now and then, and is tried again."""
    if random.random() < FAULT_SHARE:  # noqa: S311 - not a secret
        raise TemporaryFault(f"number {number}")
    return number
