"""The jobs of a soak: most succeed at once, some only after retries."""

import random

from project.celery import app

FAULT_SHARE = 0.3
"""The share of a flaky job's attempts that fail."""


class TemporaryFault(Exception):
    """A fault that a retry may get past."""


@app.task(name="soak.quick")
def quick(number: int) -> int:
    """Do next to nothing."""
    return number


@app.task(
    name="soak.flaky", autoretry_for=(TemporaryFault,), retry_backoff=True, retry_backoff_max=30
)
def flaky(number: int) -> int:
    """Fail at random and be retried."""
    if random.random() < FAULT_SHARE:  # noqa: S311 - not a secret
        raise TemporaryFault(f"number {number}")
    return number
