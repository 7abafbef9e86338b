"""Measure workflows: ``python -m benchmarks.workflows [--nodes N] [--chain N]``.

Prints how long it takes from the return of the job that a node waits for until that node runs with
its result, and how long a fan-in of many jobs takes compared with as many single jobs.
"""

import argparse
import sys
import time
from collections.abc import Sequence
from itertools import pairwise
from statistics import median, quantiles

from benchmarks.support.own_system import run_worker
from benchmarks.support.waiting import wait_until

MAX_SECONDS = 300.0
ROUNDS = 3


def main(arguments: Sequence[str]) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.workflows", description=__doc__)
    parser.add_argument("--nodes", type=int, default=9_999, help="jobs before the fan-in")
    parser.add_argument("--chain", type=int, default=500, help="nodes one after the other")
    asked = parser.parse_args(arguments)
    with run_worker("--include=benchmarks.workflow_kinds"):
        measure(asked.nodes, asked.chain)
    return 0


def measure(nodes: int, chain: int) -> None:
    """Print all figures."""
    measure_single(100)  # warm
    times = measure_chain(chain)
    parts = quantiles(times, n=100)
    print(f"a parent returns -> its child runs: p50 {parts[49] * 1e3:.2f} ms", end="")
    print(f", p99 {parts[98] * 1e3:.2f} ms, {chain} nodes in a row")
    pairs = [(measure_single(nodes + 1), measure_fan_in(nodes)) for _ in range(ROUNDS)]
    single, joined = median(one for one, _ in pairs), median(two for _, two in pairs)
    print(f"{nodes + 1:,} single jobs: {single:.2f} s; a fan-in of {nodes:,}: {joined:.2f} s")
    print(f"  {median(two / one for one, two in pairs):.2f} times as long")


def measure_chain(count: int) -> list[float]:
    """Seconds from the return of each node to the first line of the next, which gets its result."""
    from benchmarks.workflow_kinds import stamp
    from project.celery import app
    from project.store.commands import workflows
    from project.workflows.building import result_of, workflow

    building = workflow("chain").add("n0", stamp)
    for number in range(1, count):
        building.add(f"n{number}", stamp, before=result_of(f"n{number - 1}"))
    made = building.submit()
    wait_for_end(made.id)
    names = [f"n{number}" for number in range(count)]
    found = app.store.run(workflows.read_results(made.id, names))
    times = [app.backend.decode(each.results[0]) for each in found]
    return [began - ended for (_, ended), (began, _) in pairwise(times)]


def measure_single(count: int) -> float:
    """Seconds until so many jobs have been ordered and have ended."""
    from benchmarks.workflow_kinds import node
    from project.celery import app
    from project.job.bulk import enqueue_many

    index = "continuo:index:bench.node@celery:success"
    before = int(app.store.client.zcard(index))
    began = time.monotonic()
    enqueue_many(node.s(number) for number in range(count))
    wait_until(lambda: app.store.client.zcard(index) >= before + count, MAX_SECONDS, "jobs")
    return time.monotonic() - began


def measure_fan_in(count: int) -> float:
    """Seconds until a workflow of so many jobs, and one that waits for all, has ended."""
    from benchmarks.workflow_kinds import node
    from project.workflows.building import workflow

    began = time.monotonic()
    building = workflow("fan-in")
    for number in range(count):
        building.add(f"n{number}", node, value=number)
    building.add("end", node, value=0, after=[f"n{number}" for number in range(count)])
    wait_for_end(building.submit().id)
    return time.monotonic() - began


def wait_for_end(workflow_id: str) -> None:
    """Wait until a workflow has ended."""
    from project.celery import app

    def has_ended() -> bool:
        page = app.workflows.get(workflow_id)
        return page is not None and page.workflow.is_final

    wait_until(has_ended, MAX_SECONDS, "the workflow")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
