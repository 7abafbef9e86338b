"""Pages of records: their order, their filters and their cost."""

from typing import Any

import pytest

from project.records.grouping import KindQueue
from project.records.record import RecordPage, TaskStatus
from project.store.client import Store
from project.store.commands import attempts as attempt_commands
from project.store.commands import jobs as job_commands
from project.store.commands import queries, queues
from project.store.commands.queries import RecordFilter
from tests.support.job_commands import count_statuses, fail, message, record, retry, start


def test_pages_list_every_record_once_newest_first(store: Store) -> None:
    for number in range(25):
        store.run(job_commands.enqueue(message(f"{number:02}", kind="ab"[number % 2])))
    seen: list[str] = []
    cursor = None

    while True:
        page = store.run(queries.list_page(limit=4, cursor=cursor))
        assert page.total == 25
        seen += [record.id for record in page.records]
        cursor = page.next_cursor
        if cursor is None:
            break

    assert seen == [f"{number:02}" for number in reversed(range(25))]


def test_records_with_equal_times_are_paged_without_loss(store: Store) -> None:
    for number in range(12):
        store.run(job_commands.enqueue(message(f"{number:02}")))
        store.client.zadd("continuo:index:report@celery:pending", {f"{number:02}": 1000.0})
        store.client.hset(f"continuo:job:{number:02}", "created_at", "1000.0")
    first = store.run(queries.list_page(limit=5))
    second = store.run(queries.list_page(limit=5, cursor=first.next_cursor))

    third = store.run(queries.list_page(limit=5, cursor=second.next_cursor))
    ids = [record.id for page in (first, second, third) for record in page.records]

    assert ids == [f"{number:02}" for number in reversed(range(12))]
    assert third.next_cursor is None


def test_pages_can_list_every_record_once_oldest_first(store: Store) -> None:
    for number in range(12):
        store.run(job_commands.enqueue(message(f"{number:02}")))
        place = {f"{number:02}": float(number // 3)}  # three have the same time
        store.client.zadd("continuo:index:report@celery:pending", place)
    pages = []
    cursor = None

    for _ in range(3):
        pages.append(store.run(queries.list_page(limit=5, cursor=cursor, is_ascending=True)))
        cursor = pages[-1].next_cursor

    listed = [record.id for page in pages for record in page.records]
    assert listed == [f"{number:02}" for number in range(12)]
    assert cursor is None


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("b-2", ["ab-2"]),
        ("order-17", ["ab-1"]),
        ("Zoë", ["ab-1"]),
        ("north", ["ab-2"]),
        ("in the result", ["ab-2"]),
        ("hidden", []),
        ("nowhere", []),
    ],
)
def test_a_text_is_found_in_id_tags_result_and_shown_payloads(
    store: Store, text: str, found: list[str]
) -> None:
    store.run(job_commands.enqueue(message("ab-1")))
    store.run(job_commands.enqueue(message("ab-2", kind="secret")))
    store.client.hset("continuo:job:ab-1", "payload", '[["order-17", "Zo\\u00eb"], {}]')
    about = {"payload": '[["hidden"], {}]', "result": '"in the result"', "tags": '["north"]'}
    store.client.hset("continuo:job:ab-2", mapping=about)

    assert find(store, text=text, shown_kinds=["report"]) == found


def test_a_search_reads_so_many_bytes_a_page_and_goes_on(store: Store) -> None:
    for number in range(100):
        store.run(job_commands.enqueue(message(f"{number:02}")))
        store.client.hset(f"continuo:job:{number:02}", "payload", f'["{"x" * 60_000}"]')
    store.client.hset("continuo:job:00", "payload", '["needle"]')
    wanted = RecordFilter(text="needle", shown_kinds=["report"])

    page = store.run(queries.list_page(wanted, limit=10))

    assert (page.records, page.total) == ([], None)
    assert 60 < page.looked_at < 80
    assert ids(store.run(queries.list_page(wanted, limit=10, cursor=page.next_cursor))) == ["00"]


def test_a_page_can_be_filtered_by_kind_and_status(store: Store) -> None:
    for number in range(4):
        store.run(job_commands.enqueue(message(str(number), kind="ab"[number % 2])))
    start(store, "2")

    running = store.run(
        queries.list_page(RecordFilter(kinds=["a"], statuses=[TaskStatus.RUNNING]), limit=10)
    )

    assert [record.id for record in running.records] == ["2"]
    assert running.total == 1


def test_a_page_can_be_filtered_by_time(store: Store) -> None:
    made = [store.run(job_commands.enqueue(message(str(number)))).created_at for number in range(5)]
    between = RecordFilter(created_after=made[0], created_before=made[4])
    first = store.run(queries.list_page(between, limit=2))

    second = store.run(queries.list_page(between, limit=2, cursor=first.next_cursor))

    assert [record.id for record in (*first.records, *second.records)] == ["3", "2", "1"]
    assert (first.total, second.total, second.next_cursor) == (3, 3, None)


def ids(page: RecordPage) -> list[str]:
    return [record.id for record in page.records]


def find(store: Store, **question: Any) -> list[str]:
    return ids(store.run(queries.list_page(RecordFilter(**question), limit=10)))


def test_a_record_has_its_queue_and_its_tags(store: Store) -> None:
    about = {"queue": "slow\x06\x163", "tags": ("b", "a")}
    made = store.run(job_commands.enqueue(message("a", **about)))
    assert made == record(store, "a")
    assert (made.kind, made.queue, made.tags) == ("report", "slow", ["b", "a"])

    plain = store.run(job_commands.enqueue(message("b")))
    assert (plain.queue, plain.tags) == ("celery", [])


def test_a_job_is_found_by_queue_and_tag_in_every_status(store: Store) -> None:
    for number in range(4):
        tags = ("even",) if number % 2 == 0 else ("odd", "prime")
        queue = "slow" if number > 1 else "celery"
        store.run(job_commands.enqueue(message(str(number), queue=queue, tags=tags)))
    assert find(store, queues=["slow"]) == ["3", "2"]
    assert find(store, queues=["celery"], tags=["even"]) == ["0"]
    assert find(store, tags=["odd"]) == find(store, tags=["prime"]) == ["3", "1"]

    start(store, "3")
    assert find(store, tags=["odd"], statuses=[TaskStatus.RUNNING]) == ["3"]
    assert find(store, tags=["odd"], statuses=[TaskStatus.PENDING]) == ["1"]

    retry(store, "3")
    store.run(attempt_commands.cancel("1"))
    assert find(store, tags=["odd"], statuses=[TaskStatus.CANCELLED]) == ["1"]
    assert find(store, tags=["none"]) == find(store, queues=["none"]) == []
    assert count_statuses(store) == {"pending": 2, "retrying": 1, "cancelled": 1}


@pytest.mark.parametrize("name", ["a", "a@b", "a:success", "%40", "\u00fc x", "a.b|c"])
def test_scripts_name_a_kind_and_a_queue_as_python_does(store: Store, name: str) -> None:
    store.run(job_commands.enqueue(message("1", name, queue=name, tags=("x",))))
    store.run(job_commands.enqueue(message("2", name + "@", queue=name, tags=("x",))))

    both = [KindQueue(name, name), KindQueue(name + "@", name)]
    assert store.run(queues.list_kind_queues()) == both
    assert find(store, kinds=[name], queues=[name], tags=["x"]) == ["1"]


def test_a_job_retried_on_another_queue_is_listed_under_it(store: Store) -> None:
    store.run(job_commands.enqueue(message("a", tags=("x",))))
    start(store, "a")
    again = message("a", text="again", queue="slow")

    store.run(attempt_commands.retry("a", token="t", error="", delay=0, message=again))

    assert (record(store, "a").queue, record(store, "a").tags) == ("slow", ["x"])
    assert find(store, queues=["slow"], tags=["x"]) == ["a"]
    assert find(store, queues=["celery"]) == []
    assert count_statuses(store) == {"retrying": 1}


def test_a_tag_and_a_tenant_are_intersected_within_a_bound(store: Store) -> None:
    for number in range(6):
        own = message(str(number), tags=("x",), tenant=str(number % 2))
        store.run(job_commands.enqueue(own))
    both = RecordFilter(tags=["x"], tenant="1")

    page = store.run(queries.list_page(both, limit=2))

    assert (ids(page), page.total) == (["5", "3"], None)
    assert ids(store.run(queries.list_page(both, limit=2, cursor=page.next_cursor))) == ["1"]


def test_errors_are_searched_in_steps(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("project.store.commands.queries.MAX_SCANNED_RECORDS", 4)
    for number in range(10):
        store.run(job_commands.enqueue(message(str(number))))
        start(store, str(number))
        fail(store, str(number))
        store.client.hset(f"continuo:job:{number}", "error", f"no. {number} (of 10)")
    asked = RecordFilter(error="(of 10)")
    page = store.run(queries.list_page(asked, limit=2))
    assert (ids(page), page.looked_at, page.total) == (["9", "8"], 2, None)

    rare, cursor, looked_at = RecordFilter(error="no. 1 ("), None, []
    for _ in range(3):
        page = store.run(queries.list_page(rare, limit=2, cursor=cursor))
        cursor = page.next_cursor
        looked_at.append((page.looked_at, ids(page)))

    assert looked_at == [(4, []), (4, []), (2, ["1"])]
    assert cursor is None


def test_the_cost_of_a_page_does_not_grow_with_the_number_of_records(store: Store) -> None:
    """By the commands that its script calls: no more of them, whatever is asked."""

    def calls(question: RecordFilter) -> int:
        store.client.config_resetstat()
        store.run(queries.list_page(question, limit=5))
        stats = store.client.info("commandstats")
        return sum(one["calls"] for one in stats.values())

    def enqueue(count: int) -> None:
        jobs = [message(f"{count}-{number}", queue="slow", tags=("x",)) for number in range(count)]
        store.run(job_commands.enqueue_many(jobs))

    enqueue(20)
    middle = record(store, "20-10").created_at
    questions = [
        RecordFilter(),
        RecordFilter(kinds=["report"], statuses=[TaskStatus.PENDING]),
        RecordFilter(queues=["slow"]),
        RecordFilter(tags=["x"], created_after=middle),
        RecordFilter(created_before=middle),
    ]
    store.run(queries.list_page(limit=1))  # Redis knows the script from here on
    before = [calls(question) for question in questions]
    enqueue(1000)

    assert [calls(question) for question in questions] == before
