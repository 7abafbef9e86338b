"""``python -m project.verify`` names each record that is not as its state demands."""

import subprocess
import sys

import redis

from project.local.valkey import EmbeddedValkey
from project.store.client import Store
from tests.support.apps import kinds
from tests.support.programs.processes import ROOT


def verify() -> tuple[int, list[str]]:
    """The exit code and the lines."""
    command = [sys.executable, "-m", "project.verify"]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert not done.stderr, done.stderr
    return done.returncode, done.stdout.splitlines()


def test_a_good_system_is_verified(store: Store) -> None:
    kinds.add.delay(1, 1)
    kinds.add.apply_async((1, 1), countdown=60)
    kinds.add.delay(1, 1).cancel()

    assert verify() == (0, ["3 records, 0 broken"])


def test_every_broken_record_is_named_and_left_as_it_is(
    store: Store, valkey: EmbeddedValkey
) -> None:
    jobs = [kinds.add.delay(1, 1) for _ in range(3)]
    keys = [f"continuo:job:{job.id}" for job in jobs]
    with redis.Redis.from_url(valkey.url) as client:
        client.hset(keys[0], "status", "success")
        client.hset(keys[1], "status", "odd")
        client.zrem("continuo:index:tests.add@celery:pending", jobs[2].id)
        client.zadd("continuo:index:tests.add@celery:running", {jobs[2].id: 1})
        client.hset(keys[2], mapping={"status": "running", "token": "gone#1", "started_at": "1"})

    code, lines = verify()

    assert code == 1
    assert sorted(lines) == sorted(
        [
            f"wrong: job {jobs[0].id}: it is not in the index of its status",
            f"wrong: job {jobs[1].id}: its status is odd",
            f"wrong: job {jobs[2].id}: its worker is gone",
            "3 records, 3 broken",
        ]
    )
    with redis.Redis.from_url(valkey.url) as client:
        assert client.hget(keys[2], "status") == b"running"
