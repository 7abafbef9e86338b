"""Measure what filing failures by cause costs: ``python -m benchmarks.errors [--failures N]``.

Fails jobs with made errors of 50 causes, each with numbers, ids and addresses of its own in the
message, and prints how many causes were found, and what filing one failure costs Valkey: the time
of the command that ends the attempt, with and without a cause.
"""

import argparse
import random
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from typing import Any
from uuid import UUID

from project.local.demo import find_free_ports
from project.local.valkey import EmbeddedValkey
from project.records.cause import Filing, build_filing
from project.records.record import TaskStatus
from project.store.client import Store
from project.store.commands import attempts, jobs
from project.store.commands.message import Message
from project.store.connection import KEYS
from project.store.scripts import DIGESTS

CAUSES = 50
BATCH = 1_000
KIND = "bench.fails"
ERRORS = ("ValueError", "KeyError", "TimeoutError", "ConnectionError", "InvoiceError")

TRACEBACK = """Traceback (most recent call last):
  File "/srv/shop/shop/orders.py", line {line}, in pay_{number}
    raise {error}
{error}: {message}
"""


def main(arguments: Sequence[str]) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.errors", description=__doc__)
    parser.add_argument("--failures", type=int, default=20_000)
    asked = parser.parse_args(arguments)
    with (
        tempfile.TemporaryDirectory(prefix="continuo-bench-") as name,
        EmbeddedValkey(Path(name) / "valkey", find_free_ports(1)[0]) as valkey,
    ):
        measure(Store(valkey.url), asked.failures)
    return 0


def measure(store: Store, failures: int) -> None:
    """Fail jobs in batches, half of them without a cause, and print the figures."""
    rng = random.Random(1)  # noqa: S311 - the same errors each time
    filed, plain = [], []
    for first in range(0, failures, BATCH):
        filed.append(fail_batch(store, f"f{first}", lambda: make_failure(rng)))
        plain.append(fail_batch(store, f"p{first}", lambda: None))
    print(
        f"{failures:,} failures of {CAUSES} causes: {store.client.zcard('continuo:causes')} found"
    )
    costs = [cause - none for cause, none in zip(filed, plain, strict=True)]
    print(
        f"Valkey, each failure: {median(plain):.1f} us without a cause, {median(costs):+.1f} with"
    )


def fail_batch(store: Store, name: str, make: Callable[[], Filing | None]) -> float:
    """Make jobs fail; the microseconds that Valkey needed for the command that fails one."""
    ids = [f"{name}.{number}" for number in range(BATCH)]
    for job_id in ids:
        store.run(jobs.enqueue(Message(job_id, KIND, "bench", "message", "[[], {}]", 3)))
        store.run(attempts.start(job_id, retries=0, token="t"))  # noqa: S106 - that of an attempt
    commands = [build_failure(job_id, make()) for job_id in ids]
    store.run(commands[0])  # loads the script
    pipeline = store.client.pipeline(transaction=False)
    for command in commands[1:]:
        pipeline.evalsha(DIGESTS[command.script], len(KEYS), *KEYS, *command.arguments)
    store.client.config_resetstat()
    pipeline.execute()
    statistics: dict[str, Any] = store.client.info("commandstats")
    return float(statistics["cmdstat_evalsha"]["usec_per_call"])


def build_failure(job_id: str, filing: Filing | None) -> Any:
    """The command that fails a job."""
    return attempts.fail(
        job_id,
        token="t",  # noqa: S106 - that of an attempt
        status=TaskStatus.FAILED,
        error="failed",
        exception="{}",
        result_message="{}",
        filing=filing,
    )


def make_failure(rng: random.Random) -> Filing:
    """How a failure of one of the causes is filed."""
    number = rng.randrange(CAUSES)
    error = ERRORS[number % len(ERRORS)]
    message = (
        f"order {rng.randrange(10**9)} of customer{rng.randrange(10**6)}@example.com"
        f" ({UUID(int=rng.getrandbits(128))}): amount {rng.random() * 100:.2f} at step {number}"
    )
    traceback = TRACEBACK.format(
        line=rng.randrange(999), number=number, error=error, message=message
    )
    return build_filing(error, message, traceback, KIND)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
