"""The stage for stock Celery: the same rows and the same judge with Celery's own workers."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from redis import Redis

from tests.chaos.jobs.stock import VISIBILITY_VARIABLE, build_stock_application
from tests.chaos.judge import aof
from tests.chaos.judge.ledger import RunAccount
from tests.chaos.stage.cluster import WaitTimedOut
from tests.chaos.stage.scene import STILL_PREFIX, ChaosScene, ChaosStage


class StockScene(ChaosScene):
    """Judges jobs without records, by the ledger and the messages left in Redis."""

    kinds = ("short",)
    is_judged = False

    def make_app(self) -> Any:
        """The plain Celery application."""
        return build_stock_application(self.cluster.valkey.url, "")

    def settle(self, seconds: float) -> None:
        """Wait until every job has had its effect; note it when that takes too long."""
        try:
            self.cluster.wait_until(self.is_settled, seconds)
        except WaitTimedOut:
            self.notes["not settled within s"] = seconds

    def is_settled(self) -> bool:
        """Whether all jobs are sent and have had their effect."""
        if self.load and self.load.is_alive():
            return False
        return self.accepted().keys() <= self.account().finished

    def is_over(self, job_id: str) -> bool:
        """Whether the job has had its effect."""
        return job_id in self.account().finished

    def starts(self) -> dict[str, list[float]]:
        """Stock Celery does not record starts."""
        return {}

    def accepted_finishes(self, data: Path) -> dict[str, int]:
        """How many final results were stored for each job."""
        return aof.count_stock_finishes(data)

    def lost(self, accepted: dict[str, str], account: RunAccount) -> dict[str, str]:
        """The jobs without an effect, and whether Redis still has their message."""
        left = set(list_message_ids(self.cluster.valkey.url))
        missing = accepted.keys() - account.finished
        return {job: f"{STILL_PREFIX} in Redis" if job in left else "no message" for job in missing}


class StockStage(ChaosStage):
    """Runs rows with stock Celery; ``visibility`` is in seconds, "" for Celery's default."""

    scene = StockScene
    application = kinds = "tests.chaos.jobs.stock"

    def __init__(self, root: Path, visibility: str) -> None:
        super().__init__(root)
        self.visibility = visibility
        self.label = f"(stock, {visibility} s)" if visibility else "(stock, 1 h)"

    def environment(self) -> dict[str, str]:
        """The visibility timeout for the workers."""
        return {VISIBILITY_VARIABLE: self.visibility} if self.visibility else {}


def list_message_ids(url: str) -> Iterator[str]:
    """The ids of the jobs whose message is on the queue or not acknowledged."""
    with Redis.from_url(url) as client:
        waiting = [json.loads(text) for text in client.lrange("celery", 0, -1)]
        taken = [json.loads(text)[0] for text in client.hvals("unacked")]
    yield from (message["headers"]["id"] for message in [*waiting, *taken])
