"""What is found in the history, and what is erased from it."""

import time

import pytest

from project.errors import InvalidField
from project.history import compaction, erasure, files, search, summary
from project.history.conditions import HistoryFilter
from project.history.summary import Interval, SummaryFilter
from project.records.record import DEFAULT_MAX_RETRIES
from project.store.client import Store
from project.store.commands import archive, attempts, jobs
from tests.support import job_commands
from tests.support.history import archive_all, drop_column, end_job, list_ids, payload_of


def find(**wanted: object) -> list[str]:
    page = search.search(HistoryFilter(**wanted), 100)  # type: ignore[arg-type]
    return [job.id for job in page.jobs]


@pytest.fixture
def orders(history: Store) -> Store:
    """Three orders of two customers and a report."""
    end_job(history, "a", "order", payload=payload_of(order={"id": 17}, email="ada@example.com"))
    end_job(history, "b", "order", "acme", payload_of(order={"id": 18}, email="bob@example.com"))
    end_job(history, "c", "order", payload='[[{"order": {"id": 17}}], {}]')
    end_job(history, "d", "report")
    archive_all()
    return history


def test_a_job_is_found_by_a_value_in_its_payload_or_result(orders: Store) -> None:
    assert find(values={"payload.order.id": "17"}) == ["c", "a"]
    assert find(values={"payload.email": "bob@example.com"}) == ["b"]
    assert find(values={"payload.id": "18"}) == ["b"], "a member of the only argument"
    assert find(values={"payload.email": "o'hara"}) == []
    assert find(values={"result.rows": "1.0"}) == ["d", "c", "b", "a"]


def test_a_job_is_found_by_a_text_anywhere_in_it(orders: Store) -> None:
    assert find(text="bob@example") == ["b"]
    assert find(text="17") == ["c", "a"]
    assert find(text="rows") == ["d", "c", "b", "a"]
    assert find(text="bob", tenant="other") == []
    assert find(text='"email": "') == []
    assert find(text='"email":"bob') == ["b"]


@pytest.mark.parametrize("days", [1, 90])
def test_the_summary_can_be_one_sum_for_each_kind(orders: Store, days: int) -> None:
    end = time.time() + 60
    whole = SummaryFilter(end - days * 86_400, end, "kind", "all")

    sums = summary.sum_up(whole)

    assert [(each.kind, each.count) for each in sums] == [("order", 3), ("report", 1)]
    assert {each.start for each in sums} == {whole.start // 3_600 * 3_600}
    for each in sums:
        assert each.run.p50 is not None
        assert each.run.p95 is not None
        assert each.run.p99 is not None
        assert each.run.p50 <= each.run.p95 <= each.run.p99


def test_the_filters_of_the_list_hold(orders: Store) -> None:
    assert find(kind="order") == ["c", "b", "a"]
    assert find(statuses=("failed",)) == []
    assert find(job_id="d") == ["d"]
    assert find(tenant="acme") == ["b"]
    assert find(tenant="other") == []
    assert find(finished_after=4e9) == []
    assert find(created_before=1.0) == []


def test_a_found_job_has_all_of_its_record(orders: Store) -> None:
    (job,) = search.search(HistoryFilter(job_id="a"), 1).jobs

    assert job.payload == {"args": [], "kwargs": {"order": {"id": 17}, "email": "ada@example.com"}}
    assert job.result == {"rows": 1.0}
    assert (job.status, job.attempts, job.max_retries) == ("success", 1, DEFAULT_MAX_RETRIES)
    assert job.started_at is not None
    assert job.created_at <= job.started_at <= job.finished_at


def test_pages_follow_each_other_without_gap_or_overlap(orders: Store) -> None:
    first = search.search(HistoryFilter(), 3)
    second = search.search(HistoryFilter(), 3, first.next_place)

    assert [job.id for job in (*first.jobs, *second.jobs)] == ["d", "c", "b", "a"]
    assert second.next_place is None


@pytest.mark.parametrize("path", ["payload", "payload.a'b", "error.x", "payload..x", "payload.$"])
def test_a_path_that_is_none_is_refused(orders: Store, path: str) -> None:
    with pytest.raises(InvalidField):
        find(values={path: "1"})


def test_a_rerun_replaces_the_row_of_the_failure(history: Store) -> None:
    history.run(jobs.enqueue(job_commands.message("a")))
    job_commands.start(history, "a")
    job_commands.fail(history, "a")
    archive_all()
    assert find(statuses=("failed",)) == ["a"]

    assert history.run(jobs.rerun(job_commands.message("a"), attempts=1, rerun_id="r"))
    history.run(attempts.start("a", retries=1, token="u", rerun_id="r"))
    job_commands.succeed(history, "a", token="u")
    archive_all()

    assert find(statuses=("failed",)) == []
    assert find() == ["a"]


def test_the_summary_counts_and_measures(orders: Store) -> None:
    whole = SummaryFilter(0, 4e9, "kind", "day")

    end_job(orders, "e", "order")
    archive_all()
    sums = summary.sum_up(whole)
    (folder,) = [place for place in files.list_folders(files.list_days()) if place.name == "_"]
    assert len(list(compaction.compact_folder(folder, 1))) == 1
    assert list(compaction.compact_folder(folder, 1)) == []

    assert {each.kind: each.count for each in sums} == {"order": 4, "report": 1}
    assert all(each.wait.p50 is not None and each.wait.p50 < 60 for each in sums)
    assert summary.sum_up(whole) == sums
    assert [each.count for each in summary.sum_up(whole._replace(tenant="acme"))] == [1]
    assert summary.sum_up(whole._replace(end=3600.0)) == []


@pytest.mark.parametrize("interval", ["minute", "hour", "day", "all"])
def test_the_summary_knows_queues_lanes_and_tenants(history: Store, interval: Interval) -> None:
    for name, queue, lane in (("a", "mail", "acme"), ("b", "mail", "best"), ("c", "celery", "")):
        message = job_commands.message(name, queue=queue, lane=lane, tenant=lane)
        history.run(jobs.enqueue(message))
        job_commands.start(history, name)
        job_commands.succeed(history, name)
    archive_all()
    whole = SummaryFilter(time.time() - 86_400, time.time() + 60, "queue", interval)

    def count(**changes: str) -> dict[str, int]:
        sums = summary.sum_up(whole._replace(**changes))
        return {each.queue + each.lane + each.tenant + each.kind: each.count for each in sums}

    assert count() == {"celery": 1, "mail": 2}
    assert count(by="lane", queue="mail") == {"acme": 1, "best": 1}
    assert count(by="tenant") == {"": 1, "acme": 1, "best": 1}
    assert count(by="kind", lane="acme") == {"report": 1}
    assert count(by="kind", tenant="nobody") == {}


@pytest.mark.parametrize("is_mixed", [False, True], ids=["all", "some"])
def test_files_of_a_version_without_a_column_are_read_and_merged(
    orders: Store, is_mixed: bool
) -> None:
    drop_column("logs")
    if is_mixed:
        end_job(orders, "new")
        archive_all()
    wanted = HistoryFilter()
    before = [job.id for job in search.search(wanted, 50).jobs]

    folders = files.list_folders(files.list_days())
    merged = [file for folder in folders for file in compaction.compact_folder(folder, 2)]
    after = search.search(wanted, 50).jobs
    by_queue = SummaryFilter(time.time() - 3_600, time.time() + 60, "queue", "minute")

    assert bool(merged) == is_mixed
    assert [job.id for job in after] == before
    assert all(job.logs == [] for job in after)
    assert sum(each.count for each in summary.sum_up(by_queue)) == len(before)


def test_minutes_outside_a_range_are_not_counted(orders: Store) -> None:
    end = time.time()
    exact = SummaryFilter(end - 3_600, end + 60, "kind", "all")

    assert sum(each.count for each in summary.sum_up(exact)) == 4
    assert summary.sum_up(exact._replace(end=end - 120)) == []


def test_an_erasure_removes_the_rows_of_one_person_and_keeps_an_account(orders: Store) -> None:
    person = HistoryFilter(values={"payload.email": "ada@example.com"})

    tried = erasure.erase(orders, person, "dora", dry_run=True)
    assert (tried, list_ids()) == ((1, True), ["a", "b", "c", "d"])
    done = erasure.erase(orders, person, "dora", dry_run=False)
    again = erasure.erase(orders, person, "dora", dry_run=False)

    assert (done, again, list_ids()) == ((1, True), (0, True), ["b", "c", "d"])
    (account,) = orders.run(archive.list_erasures(10))
    assert (account.by, account.fields, account.jobs) == ("dora", ["payload.email"], 1)
    content = b"".join(path.read_bytes() for path in files.get_root().rglob("*.parquet"))
    assert b"ada@example.com" not in content


def test_an_erasure_waits_for_the_archiver(orders: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(erasure, "WAIT_SECONDS", 0.0)
    assert orders.run(archive.lease("archiver", 60))

    with pytest.raises(erasure.ArchiverBusy):
        erasure.erase(orders, HistoryFilter(job_id="a"), "dora", dry_run=False)

    assert list_ids() == ["a", "b", "c", "d"]
