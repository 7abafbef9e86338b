"""Measured without workers: one process takes and ends jobs, one command each."""

import json
from collections import Counter
from collections.abc import Iterator
from itertools import count
from typing import Any

from benchmarks.limits.scale import LimitScale
from project.records.limit import Limit, check_limit
from project.store.client import Store
from project.store.commands import attempts, claims, jobs, limits, workers
from project.store.commands.claims import Claimant, Claims
from project.store.commands.message import Message

WEIGHTS = {"one": 1, "two": 2, "four": 4}
KIND = "bench.turn"
JOBS_PER_STEP = 1_000
TAKES = 2_000
FEW_LANES = 10


class Taker:
    """A pool process that runs nothing."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.places = count(1)
        self.claimant = Claimant("taker", "p1.a")
        about: dict[str, Any] = {"host": "bench", "pid": 1, "slots": 1, "started_at": 0}
        store.run(workers.renew_lease("taker", 3_600, about | {f"kind:{KIND}": 1}, first=True))

    def take(self, most: int) -> Iterator[str]:
        """Take and end so many jobs, one after the other; yields their ids."""
        done, success = "", None
        for _ in range(most):
            place = next(self.places)
            command = claims.take(
                self.claimant, Claims(["celery"]), place=place, done=done, success=success
            )
            claim = self.store.run(command)
            if not claim.message:
                return
            job_id = json.loads(claim.message)["headers"]["id"]
            done = self.claimant.serial(place)
            token = f"{self.claimant.worker}#{done}"
            success = attempts.succeed(job_id, token=token, result="1", result_message="{}")
            yield job_id


def order(store: Store, ids: list[tuple[str, str]]) -> None:
    """Order jobs; of each its id and its lane."""
    for first in range(0, len(ids), JOBS_PER_STEP):
        step = ids[first : first + JOBS_PER_STEP]
        store.run(jobs.enqueue_many([build_message(*each) for each in step]))


def build_message(job_id: str, lane: str) -> Message:
    """A message as a worker reads it."""
    headers = {"id": job_id, "task": KIND, "retries": 0, "eta": None, "expires": None}
    text = json.dumps({"headers": headers, "content-type": "application/json"})
    return Message(job_id, KIND, "celery", text, "[[], {}]", 3, lane=lane)


def measure_weights(store: Store, scale: LimitScale) -> float:
    """How far the turns of lanes with weights 1:2:4 are from these, at most, as a part of one."""
    for lane, weight in WEIGHTS.items():
        limit = check_limit(lane, Limit(lane=lane, weight=weight))
        store.run(limits.put_limit(lane, limit))
        order(store, [(f"{lane}-{number}", lane) for number in range(scale.turns)])
    taken = Counter(job_id.partition("-")[0] for job_id in Taker(store).take(scale.turns))
    fair = {lane: scale.turns * weight / sum(WEIGHTS.values()) for lane, weight in WEIGHTS.items()}
    return max(abs(taken[lane] / fair[lane] - 1) for lane in WEIGHTS)


def measure_take(store: Store, jobs_of_all: int, lanes: int) -> float:
    """Microseconds that Redis needs to end a job and take the next one of so many lanes."""
    store.client.flushall()
    order(store, [(f"job-{number}", f"lane-{number % lanes}") for number in range(jobs_of_all)])
    taker = Taker(store)
    store.client.config_resetstat()
    for _ in taker.take(TAKES):
        pass
    return float(store.client.info("commandstats")["cmdstat_evalsha"]["usec_per_call"])


def compare_lanes(store: Store, scale: LimitScale) -> float:
    """The cost of a take with many lanes, divided by that with a few and as many jobs."""
    jobs_of_all = max(2 * scale.lanes, TAKES + 1)
    few = min(measure_take(store, jobs_of_all, FEW_LANES) for _ in range(scale.rounds))
    many = min(measure_take(store, jobs_of_all, scale.lanes) for _ in range(scale.rounds))
    return many / few
