"""``python -m project.verify`` names each record that is not as its state demands."""

import subprocess
import sys

import pytest
import redis

from project.celery import app
from project.local.valkey import EmbeddedValkey
from project.store.client import Store
from project.store.commands import workflows
from project.worker.upkeep.guard import Guard
from project.workflows.batches import Batch
from project.workflows.building import item, result_of, workflow
from project.workflows.nodes import build_node_id
from tests.support.apps import kinds, nodes
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


def order_workflow() -> str:
    """Two nodes that can start, one that waits for both, a fan-out that waits for that."""
    made = (
        workflow("w")
        .add("a", nodes.echo, value=1)
        .add("b", nodes.echo, value=2)
        .add("c", nodes.echo, after=["a", "b"])
        .add("d", nodes.echo, for_each=result_of("c"), value=item())
    )
    return made.submit().id


def test_good_workflows_are_verified(store: Store) -> None:
    order_workflow()
    app.workflows.cancel(order_workflow())
    Batch.begin(app.workflows, "open")

    assert verify() == (0, ["4 records, 0 broken"])


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("HSET", ":left", "c", 1), ", node c: its counter says that it waits for 1 nodes"),
        (("HSET", ":states", "a", "success"), ", node c: its counter says that it waits for 2"),
        (
            ("SREM", ":active", "a"),
            ", node a: its job was made, and the workflow does not wait for it",
        ),
        (("HDEL", ":states", "a"), ", node a: it waits, though everything before it has ended"),
        (("HSET", "", "ended", 3), ": 3 of 4 nodes have ended by its counts, and 0 of 4 have"),
        (("DEL", ":active"), ": it runs, and nothing of it is left to run"),
        (("HSET", "", "status", "success"), ": it has ended, and 2 of its jobs have not"),
        (("SADD", ":active", "c"), ", node c: its job is not there"),
    ],
    ids=str,
)
def test_a_broken_workflow_is_named(store: Store, change: tuple[str, ...], said: str) -> None:
    workflow_id = order_workflow()
    command, part, *values = change
    store.client.execute_command(command, f"continuo:workflow:{workflow_id}{part}", *values)

    code, lines = verify()

    assert code == 1
    assert any(f"wrong: workflow {workflow_id}{said}" in line for line in lines), lines


def test_a_workflow_that_does_not_know_the_end_of_a_job_and_that_no_round_looks_at_is_named(
    store: Store,
) -> None:
    workflow_id = order_workflow()
    key, job_id = f"continuo:workflow:{workflow_id}", build_node_id(workflow_id, "a")
    app.AsyncResult(job_id).cancel()
    store.client.sadd(f"{key}:active", "a")
    store.client.hset(key, "updated_at", "1")
    store.client.zrem("continuo:workflows:open", workflow_id)

    _, lines = verify()

    for said in (
        ", node a: its job has ended, and the workflow does not know",
        ": it runs, and no round looks at it",
    ):
        assert f"wrong: workflow {workflow_id}{said}" in lines


@pytest.mark.parametrize(
    "change",
    [
        ("HSET", ":left", "c", 1),
        ("SREM", ":active", "a"),
        ("HDEL", ":states", "a"),
        ("HSET", "", "ended", 3),
        ("DEL", ":active"),
    ],
    ids=str,
)
def test_a_broken_workflow_that_nobody_looks_at_is_mended(
    store: Store, change: tuple[str, ...]
) -> None:
    workflow_id = order_workflow()
    key, (command, part, *values) = f"continuo:workflow:{workflow_id}", change
    store.client.execute_command(command, f"{key}{part}", *values)
    store.client.hset(key, "updated_at", "1")
    store.client.zrem("continuo:workflows:open", workflow_id)

    Guard(store).check()
    store.run(workflows.do_round(3_600))

    assert verify() == (0, ["2 records, 0 broken"])


def test_nodes_without_their_workflow_are_named(store: Store) -> None:
    gone, other = order_workflow(), order_workflow()
    for part in ("", ":graph", ":states", ":left", ":order", ":active", ":jobs", ":each"):
        store.client.delete(f"continuo:workflow:{gone}{part}")
    store.client.zrem("continuo:workflows", gone)
    store.client.hset(f"continuo:job:{build_node_id(other, 'a')}", "workflow", f"{other} x")

    _, lines = verify()

    for name in ("a", "b"):
        fault = "it is a node of a workflow that is not there"
        assert f"wrong: job {build_node_id(gone, name)}: {fault}" in lines
    fault = "it is a node that its workflow does not have"
    assert f"wrong: job {build_node_id(other, 'a')}: {fault}" in lines


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
