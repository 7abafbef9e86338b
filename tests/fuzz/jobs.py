"""Job kinds of the fuzzer; a worker loads them with ``-I tests.fuzz.jobs``."""

from random import Random
from typing import Any

from project.celery import app
from tests.fuzz.values import make_value


@app.task(name="fuzz.echo")
def echo(*args: Any, **kwargs: Any) -> Any:
    """Return what came."""
    return [args, kwargs]


@app.task(name="fuzz.produce")
def produce(seed: int) -> Any:
    """Return a random value, which may not be JSON."""
    return make_value(Random(seed))


@app.task(name="fuzz.fail")
def fail(seed: int) -> None:
    """Fail with a random value as the error's text."""
    raise ValueError(make_value(Random(seed)))


@app.task(name="fuzz.state", bind=True)
def state(self: Any, seed: int) -> None:
    """Set a state with a random value, then return."""
    self.update_state(state="CUSTOM", meta=make_value(Random(seed)))
