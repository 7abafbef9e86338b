"""Any tree of chains and chords ends right: parts fail, retry, die, are cancelled or replaced.

``TEST_TREES`` is the number of trees.
"""

import os
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import pytest
import redis
from billiard.exceptions import WorkerLostError
from celery import Signature, chain, chord
from celery.exceptions import ChordError, TaskRevokedError
from hypothesis import given, settings
from hypothesis import strategies as st

from project.celery import app
from project.errors import PermanentError, RerunRefused
from project.records.record import TaskStatus
from project.store.commands import queries
from tests.support import job_commands
from tests.support.apps import kinds, stock
from tests.support.programs.workers import JobInspector, Workers
from tests.support.waiting import PATIENCE, wait_until

TREES = int(os.environ.get("TEST_TREES", "40"))

pytestmark = pytest.mark.timeout(max(300, TREES * 5))


FAILING = ("refuse", "die for good", "be cancelled")
FAILURES = (PermanentError, ChordError, WorkerLostError, TaskRevokedError)


class Failed(Exception):
    """A part of the tree fails."""


@dataclass(frozen=True)
class Leaf:
    """One job: it adds ``number``, at last, or it fails (``FAILING``).

    "need" fails, too, until the key ``mended`` exists.
    """

    how: str
    number: int

    def compute(self, x: int) -> int:
        if self.how in FAILING:
            raise Failed
        return x if self.how == "need" else x + self.number

    def build(self) -> Signature:
        if self.how == "replace":
            return stock.replace_after.s(by=kinds.add.s(self.number))
        if self.how == "refuse":
            return stock.refuse.s()
        if self.how == "need":
            return stock.needs.s(key="mended")
        if self.how == "die for good":
            return stock.die_first.s(deaths=3)
        if self.how == "be cancelled":
            return stock.be_cancelled.s()
        jobs = {"add": kinds.add, "stumble": stock.stumble, "die": stock.die_first}
        return jobs[self.how].s(self.number)


@dataclass(frozen=True)
class Chain:
    """Each part gets the result of the one before."""

    parts: list[Any]

    def compute(self, x: int) -> int:
        for part in self.parts:
            x = part.compute(x)
        return x

    def build(self) -> Signature:
        return chain(*(part.build() for part in self.parts))


@dataclass(frozen=True)
class Chord:
    """Each part gets the same number; the body adds their results up."""

    parts: list[Any]

    def compute(self, x: int) -> int:
        return sum([part.compute(x) for part in self.parts])

    def build(self) -> Signature:
        return chord([part.build() for part in self.parts], kinds.total.s())


def build_trees(*hows: str) -> st.SearchStrategy[Any]:
    """Trees of leaves that do these things."""
    return st.recursive(
        st.builds(Leaf, st.sampled_from(hows), st.integers(0, 9)),
        lambda inner: (
            st.builds(Chain, st.lists(inner, min_size=1, max_size=3))
            | st.builds(Chord, st.lists(inner, min_size=2, max_size=3))
        ),
        max_leaves=8,
    )


@pytest.fixture(scope="module", autouse=True)
def worker(worker_pool: Workers) -> None:
    """One worker for all trees."""
    worker_pool.start("--concurrency=2").ready()


@settings(max_examples=TREES, deadline=None)
@given(
    build_trees(*(["add"] * 3), "stumble", *(["replace"] * 2), "die", "refuse")
    | build_trees(*(["add"] * 4), "die", *FAILING)
)
def test_a_tree_has_the_result_of_its_parts_and_every_record_ends(tree: Any) -> None:
    try:
        expected = tree.compute(1)
    except Failed:
        expected = None

    last = chain(kinds.add.s(0, 1), tree.build()).apply_async()

    if expected is None:
        with pytest.raises(FAILURES):
            last.get(timeout=30 * PATIENCE)
    else:
        assert last.get(timeout=30 * PATIENCE) == expected
    wait_until(lambda: not count_unfinished(), 30)


@settings(max_examples=TREES, deadline=None)
@given(tree=build_trees("add", "stumble", "replace", "need", "need"))
def test_a_tree_that_failed_has_its_result_when_its_failed_jobs_are_rerun(
    client: redis.Redis, inspector: JobInspector, tree: Any
) -> None:
    client.delete("mended")
    while failed := list_failed_jobs():  # of the trees before
        for job_id in failed:
            app.AsyncResult(job_id).forget()
    last = chain(kinds.add.s(0, 1), tree.build()).apply_async()
    wait_until(lambda: is_quiet(inspector), 30)

    client.set("mended", 1)
    rerun_failed_jobs(inspector)

    assert list_failed_jobs() == []
    assert last.get(timeout=30 * PATIENCE) == tree.compute(1)


def rerun_failed_jobs(inspector: JobInspector) -> None:
    """Rerun what failed, and what fails only then; a tree has at most eight jobs that can."""
    for _ in range(8):
        for job_id in list_failed_jobs():
            with suppress(RerunRefused):
                app.AsyncResult(job_id).rerun()
        wait_until(lambda: is_quiet(inspector), 30)


def is_quiet(inspector: JobInspector) -> bool:
    """Whether every record has ended, and every message is acknowledged."""
    return not count_unfinished() and not inspector.count_unacked()


def list_failed_jobs() -> list[str]:
    """The ids of all jobs that failed."""
    question = queries.RecordFilter(statuses=[TaskStatus.FAILED])
    page = app.store.run(queries.list_page(question, limit=200))
    return [record.id for record in page.records]


def count_unfinished() -> int:
    """The number of records that have not ended."""
    counts = job_commands.count_statuses(app.store)
    return sum(counts.get(status, 0) for status in ("pending", "running", "retrying"))
