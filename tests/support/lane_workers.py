"""Workers that take and end jobs by commands, on a real Valkey, without processes."""

import json
from itertools import count
from typing import Any

from project.messages.builder import build_list_key
from project.records.limit import Limit, check_limit
from project.records.record import TaskRecord
from project.store.client import Store
from project.store.commands import attempts, claims, jobs, limits, maintenance, queries, workers
from project.store.commands.claims import Claim, Claimant, Claims
from project.store.commands.message import Message

LISTS = [build_list_key("celery", priority) for priority in (0, 3, 6, 9)]


def build_text(job_id: str, kind: str, retries: int = 0) -> str:
    headers = {"eta": None, "expires": None, "timelimit": [None, None], "retries": retries}
    wire = {"content-type": "application/json", "headers": headers | {"id": job_id, "task": kind}}
    return json.dumps(wire)


def build_message(
    job_id: str,
    kind: str = "k",
    *,
    queue: str = "celery",
    priority: int = 0,
    retries: int = 0,
    **changes: Any,
) -> Message:
    key = build_list_key(queue, priority)
    text = build_text(job_id, kind, retries)
    return Message(job_id, kind, key, text, "[]", 3)._replace(**changes)


def order(store: Store, job_id: str, kind: str = "k", **changes: Any) -> None:
    store.run(jobs.enqueue(build_message(job_id, kind, **changes)))


def put(store: Store, name: str, **about: Any) -> int:
    revision = store.run(limits.put_limit(name, check_limit(name, Limit(**about))))
    assert revision
    return revision


def read(store: Store, job_id: str) -> TaskRecord:
    found = store.run(queries.read_record(job_id))
    assert found is not None
    return found


class PoolProcess:
    """A pool process with one slot; its worker has the same name."""

    def __init__(self, store: Store, name: str = "w", lists: list[str] = LISTS) -> None:
        self.store = store
        self.lists = lists
        self.claimant = Claimant(name, "p1.a")
        self.places = count(1)
        self.running: list[tuple[str, str]] = []
        about: dict[str, Any] = {"host": "h", "pid": 1, "slots": 1, "started_at": 0}
        kinds = {f"kind:{kind}": 1 for kind in ("k", "other")}
        store.run(workers.renew_lease(name, 3_600, about | kinds, first=True))

    def take(self) -> str:
        """Take a job: its id, "" when there is none that may run."""
        claim = self.ask()
        while claim.state == "again":
            claim = self.ask()
        return self.running[-1][0] if claim.message else ""

    def ask(self) -> Claim:
        """The answer to one claim."""
        place = next(self.places)
        claim = self.store.run(claims.take(self.claimant, Claims(self.lists), place=place))
        if claim.message:
            job_id = str(json.loads(claim.message)["headers"]["id"])
            self.running.append((job_id, self.claimant.serial(place)))
        return claim

    def take_all(self) -> list[str]:
        """Take jobs until none may run."""
        taken = []
        while job_id := self.take():
            taken.append(job_id)
        return taken

    def end(self, job_id: str) -> None:
        """End a job with success, and acknowledge its message."""
        serial = dict(self.running)[job_id]
        self.running.remove((job_id, serial))
        token = f"{self.claimant.worker}#{serial}"
        self.store.run(attempts.succeed(job_id, token=token, result="1", result_message="{}"))
        self.acknowledge(serial)

    def acknowledge(self, serial: str) -> None:
        """Be done with a message."""
        self.store.run(workers.ack(self.claimant.worker, [serial]))

    def work(self, most: int = 1_000) -> list[str]:
        """Take and end one job after the other, as long as there are any."""
        done: list[str] = []
        while len(done) < most and (job_id := self.take()):
            self.end(job_id)
            done.append(job_id)
        return done

    def die(self) -> None:
        """Lose the lease; another worker gives the jobs back."""
        self.store.client.zadd("continuo:workers", {self.claimant.worker: 1})
        self.store.client.hdel("continuo:heartbeat", "grace_until")
        self.store.run(maintenance.reap(60))
        self.running.clear()
