"""The graph of a canvas of Celery, as its records tell it."""

import pytest
from celery import chain, chord, group

from project.celery import app
from project.job.canvas.graph import build_graph
from project.job.result import JobResult
from project.records.workflow import NodeStatus, WorkflowNode
from project.store.commands import canvas, jobs, queries
from tests.support.apps import kinds, nodes
from tests.support.programs.workers import JobInspector, Workers
from tests.support.waiting import wait_until

echo = nodes.echo


@pytest.fixture(scope="module", autouse=True)
def worker(worker_pool: Workers) -> None:
    """One worker for all these tests."""
    worker_pool.start(
        "--concurrency=2", "--include=tests.support.apps.kinds,tests.support.apps.nodes"
    ).ready()


def read_graph(job_id: str) -> list[WorkflowNode]:
    """The nodes of the canvas of a job; none when it is part of none."""
    found = app.store.run(canvas.read(job_id, 1000))
    return build_graph(found.jobs) if found else []


def wait_for_graph(job_id: str, count: int) -> list[WorkflowNode]:
    """The nodes of a canvas once it has so many, and all have ended."""
    ended = {NodeStatus.SUCCESS, NodeStatus.FAILED, NodeStatus.CANCELLED}

    def look() -> list[WorkflowNode] | None:
        found = read_graph(job_id)
        is_over = len(found) == count and all(node.status in ended for node in found)
        return found if is_over else None

    return wait_until(look) or []


def name_edges(found: list[WorkflowNode], names: dict[str, str]) -> set[str]:
    """The edges, by the names of the jobs."""
    return {f"{names[node.id]}>{names[child]}" for node in found for child in node.before}


def names_of(*results: JobResult, letters: str) -> dict[str, str]:
    return dict(zip([result.id for result in results], letters, strict=True))


def test_a_chain_is_a_path(inspector: JobInspector) -> None:
    last = chain(echo.si(1), echo.si(2), echo.si(3)).apply_async()
    last.get(timeout=30)

    found = wait_for_graph(last.id, 3)

    names = names_of(last.parent.parent, last.parent, last, letters="abc")
    assert name_edges(found, names) == {"a>b", "b>c"}
    assert [names[node.id] for node in found] == ["a", "b", "c"]


def test_a_chord_waits_for_all_of_its_header(inspector: JobInspector) -> None:
    body = chord([echo.si(1), echo.si(2), echo.si(3)], kinds.total.s()).apply_async()
    assert body.get(timeout=30) == 6

    found = wait_for_graph(body.id, 4)

    names = names_of(*body.parent.results, body, letters="abcd")
    assert name_edges(found, names) == {"a>d", "b>d", "c>d"}
    assert read_graph(body.parent.results[1].id) == found


def test_a_chord_in_a_chain_stands_between_its_neighbours(inspector: JobInspector) -> None:
    last = chain(echo.si(1), group(echo.si(2), echo.si(3)), kinds.total.s(), echo.si(5))()
    last.get(timeout=30)

    found = wait_for_graph(last.id, 5)

    middle = last.parent
    names = names_of(middle.parent.parent, *middle.parent.results, middle, last, letters="abcde")
    assert name_edges(found, names) == {"a>b", "a>c", "b>d", "c>d", "d>e"}


def test_what_is_still_to_be_sent_is_blocked(inspector: JobInspector) -> None:
    last = chain(echo.si(1).set(countdown=3600), echo.si(2), kinds.total.si([3])).apply_async()

    found = read_graph(last.parent.parent.id)

    assert [(node.kind, node.status) for node in found] == [
        (echo.name, NodeStatus.PENDING),
        (echo.name, NodeStatus.BLOCKED),
        (kinds.total.name, NodeStatus.BLOCKED),
    ]


def test_every_job_of_a_canvas_that_fails_ends(inspector: JobInspector) -> None:
    fails = nodes.fail_unless.si("tests:no-such-key")
    last = chain(echo.si(1), fails, group(echo.si(3), echo.si(4)), kinds.total.s())()

    found = wait_for_graph(last.parent.parent.parent.id, 5)

    assert [node.status for node in found] == [NodeStatus.SUCCESS, *[NodeStatus.FAILED] * 4]


def test_a_canvas_that_a_job_sends_belongs_to_the_job(inspector: JobInspector) -> None:
    caller = nodes.send_chain.delay()
    caller.get(timeout=30)

    found = wait_for_graph(caller.id, 3)

    assert found[0].id == caller.id
    assert [len(node.before) for node in found] == [1, 1, 0]


def test_a_plain_job_is_part_of_no_canvas(inspector: JobInspector) -> None:
    before = inspector.redis.keys("*canvas:*")

    single = echo.delay(1)
    single.get(timeout=30)

    assert read_graph(single.id) == []
    assert inspector.redis.keys("*canvas:*") == before


def test_a_canvas_is_forgotten_with_its_records(inspector: JobInspector) -> None:
    last = chain(echo.si(1), echo.si(2)).apply_async()
    found = wait_for_graph(last.id, 2)
    key = f"continuo:canvas:{found[0].id}"
    assert inspector.redis.zcard(key) == 2

    for node in found:
        app.store.run(jobs.forget(node.id))

    assert app.store.run(queries.read_record(last.id)) is None
    assert not inspector.redis.exists(key)
