"""Orders in an outbox: what was committed becomes a job, once; what cannot is put aside."""

import asyncio
import json
import os
import time
from contextlib import suppress
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from continuo_client.outbox import DROP_SCHEMA, SCHEMA, aenqueue, enqueue

from project.celery import app
from project.errors import InvalidField
from project.payload.offer import Offer
from project.records.record import TaskRecord
from project.relay import outbox
from project.store.client import Store
from tests.integration.relay.conftest import RelayDriver

ROWS = int(os.environ.get("TEST_ROWS", "10000"))
"""Rows of one transaction."""

DELETED_ROWS = 400
ENTRIES_READ = """
select sum(pg_stat_get_xact_tuples_returned(indexrelid))::bigint from pg_index
where indrelid = 'continuo_outbox'::regclass
"""

LAST_FOR_LONG = {"key": "k", "mode": "last", "during": 5}
PAYLOAD = {"x": 1, "y": 2}


def refuse_nothing(amount: Decimal, note: str = "") -> None:
    if not amount:
        raise InvalidField("amount", "must not be 0")
    if note == "crash":
        raise RuntimeError("the check is broken")


@app.task(name="tests.pay", check=refuse_nothing, http=Offer(keeps_decimals=True))
def pay(amount: Decimal, note: str = "") -> str:
    return f"{amount} {note}"


def build_payment(amount: str) -> dict[str, Any]:
    return {"amount": {"__type__": "decimal", "__value__": amount}}


def find_record(job_id: UUID) -> TaskRecord | None:
    record: TaskRecord | None = app.AsyncResult(str(job_id)).record
    return record


def read_record(job_id: UUID) -> TaskRecord:
    record = find_record(job_id)
    assert record is not None
    return record


def read_arguments(store: Store, job_id: UUID) -> Any:
    _, kwargs = json.loads(store.client.hget(f"continuo:job:{job_id}", "payload") or "")
    return kwargs


def test_a_committed_order_is_a_job_with_the_id_of_its_row(
    connection: psycopg.Connection[Any], driver: RelayDriver
) -> None:
    job_id = enqueue(connection, "tests.add", PAYLOAD, tags=["a"], max_retries=2)
    connection.commit()

    driver.work()
    record = read_record(job_id)

    assert (record.kind, record.tags, record.max_retries) == ("tests.add", ["a"], 2)
    assert read_arguments(driver.relay.store, job_id) == PAYLOAD
    assert driver.count() == 0


def test_an_order_is_no_job_before_its_commit_nor_after_a_rollback(
    connection: psycopg.Connection[Any], driver: RelayDriver
) -> None:
    job_id = enqueue(connection, "tests.add", PAYLOAD)

    driver.work()
    assert find_record(job_id) is None

    connection.rollback()
    driver.work()
    assert find_record(job_id) is None


def test_an_order_shares_the_fate_of_its_savepoint(
    connection: psycopg.Connection[Any], driver: RelayDriver
) -> None:
    with connection.transaction():
        kept = enqueue(connection, "tests.add", PAYLOAD)
        with connection.transaction():
            inner = enqueue(connection, "tests.add", PAYLOAD)
        with connection.transaction() as savepoint:
            undone = enqueue(connection, "tests.add", PAYLOAD)
            raise psycopg.Rollback(savepoint)
    connection.commit()

    driver.work()

    assert find_record(kept)
    assert find_record(inner)
    assert find_record(undone) is None


def test_a_prepared_transaction_is_refused_by_postgresql_and_orders_nothing(
    connection: psycopg.Connection[Any], driver: RelayDriver
) -> None:
    connection.tpc_begin("order")
    job_id = enqueue(connection, "tests.add", PAYLOAD)

    with pytest.raises(psycopg.errors.FeatureNotSupported, match="NOTIFY"):
        connection.tpc_prepare()
    connection.close()
    driver.work()

    assert find_record(job_id) is None


def test_later_commits_do_not_wait_for_an_open_transaction(
    database: str, connection: psycopg.Connection[Any], driver: RelayDriver
) -> None:
    first = enqueue(connection, "tests.add", PAYLOAD)
    with psycopg.connect(database) as other:
        second = enqueue(other, "tests.add", PAYLOAD)

    driver.work()
    assert (find_record(first), read_record(second).kind) == (None, "tests.add")

    connection.commit()
    driver.work()
    assert find_record(first)


def test_a_plain_sql_client_and_a_trigger_can_order(
    connection: psycopg.Connection[Any], driver: RelayDriver
) -> None:
    connection.execute("""
        create table bills (number int);
        create function order_job() returns trigger language plpgsql as $$
        begin
            perform continuo_enqueue('tests.add', jsonb_build_object('x', new.number, 'y', 1));
            return null;
        end $$;
        create trigger order_job after insert on bills for each row execute function order_job();
        insert into bills values (7)
    """)
    found = connection.execute("select id from continuo_outbox").fetchall()
    connection.commit()

    driver.work()
    connection.execute("drop table bills; drop function order_job")

    assert [read_arguments(driver.relay.store, job_id) for (job_id,) in found] == [{"x": 7, "y": 1}]


def test_the_schema_can_be_run_twice_and_removed(connection: psycopg.Connection[Any]) -> None:
    connection.execute(SCHEMA)
    enqueue(connection, "tests.add", PAYLOAD)
    connection.execute(SCHEMA)

    assert connection.execute("select count(*) from continuo_outbox").fetchone() == (1,)

    connection.execute(DROP_SCHEMA)
    row = connection.execute("select to_regclass('continuo_outbox')").fetchone()
    assert row == (None,)
    connection.rollback()


def test_an_event_loop_orders_with_psycopg(database: str, driver: RelayDriver) -> None:
    async def order() -> UUID:
        async with await psycopg.AsyncConnection.connect(database) as connection:
            return await aenqueue(connection, "tests.add", PAYLOAD)

    job_id = asyncio.run(order())
    driver.work()

    assert find_record(job_id)


def test_rows_that_are_dicts_give_the_id_too(database: str) -> None:
    with psycopg.connect(database, row_factory=psycopg.rows.dict_row) as connection:
        assert isinstance(enqueue(connection, "tests.add", PAYLOAD), UUID)


def test_an_unknown_option_is_refused_before_there_is_a_row(
    connection: psycopg.Connection[Any], driver: RelayDriver
) -> None:
    with pytest.raises(TypeError, match="delai is not an option of an order; use callback_url"):
        enqueue(connection, "tests.add", PAYLOAD, delai=3)  # type: ignore[call-arg]

    assert driver.count() == 0


@pytest.mark.parametrize(
    ("kind", "payload", "options", "reason"),
    [
        ("tests.none", {}, {}, "kind: 'tests.none' is not known here"),
        ("tests.add", {"x": 1}, {}, "TypeError"),
        ("tests.add", PAYLOAD, {"delay": "soon"}, "delay: "),
        ("tests.add", PAYLOAD, {"delay": 1, "run_at": 2}, "run_at: cannot be given together"),
        (
            "tests.add",
            PAYLOAD,
            {"unique": LAST_FOR_LONG},
            "unique.during: cannot be given together",
        ),
        ("tests.add", PAYLOAD, {"max_retries": 0}, "max_retries: 0 is not a number from 1"),
        ("tests.add", {"x": "a" * 10_000, "y": 1}, {}, "payload: is too large: at most 10000"),
        ("tests.pay", {}, {}, "amount: "),
        ("tests.pay", {"amount": "1", "colour": 1}, {}, "colour: is not a field of this kind"),
        ("tests.pay", {"amount": "0"}, {}, "amount: must not be 0"),
        ("tests.pay", {"amount": "1", "note": "crash"}, {}, "RuntimeError: the check is broken"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_row_that_cannot_become_a_job_is_put_aside_and_not_in_the_way(
    kind: str,
    payload: dict[str, Any],
    options: dict[str, Any],
    reason: str,
    connection: psycopg.Connection[Any],
    driver: RelayDriver,
) -> None:
    before = enqueue(connection, "tests.add", PAYLOAD)
    bad = enqueue(connection, kind, payload, **options)
    after = enqueue(connection, "tests.add", PAYLOAD)
    connection.commit()

    driver.work()

    assert find_record(before)
    assert find_record(after)
    assert find_record(bad) is None
    assert driver.find_reason(bad).startswith(reason)
    assert (driver.count(), driver.count("continuo_outbox_refused")) == (0, 1)


def test_a_refused_row_can_be_ordered_again_under_its_id(
    connection: psycopg.Connection[Any], driver: RelayDriver
) -> None:
    job_id = enqueue(connection, "tests.later", PAYLOAD)
    connection.commit()
    driver.work()
    connection.execute("update continuo_outbox_refused set kind = 'tests.add'")

    again = connection.execute("select continuo_retry_refused(%s)", [job_id]).fetchone()
    connection.commit()
    driver.work()

    assert again == (1,)
    assert find_record(job_id)
    assert driver.count("continuo_outbox_refused") == 0


def test_decimals_keep_their_digits(
    connection: psycopg.Connection[Any], driver: RelayDriver
) -> None:
    job_id = enqueue(connection, "tests.pay", {"amount": Decimal("0.10000000000000000001")})
    connection.commit()

    driver.work()

    assert read_arguments(driver.relay.store, job_id) == build_payment("0.10000000000000000001")


def test_seconds_count_from_the_order(
    connection: psycopg.Connection[Any], driver: RelayDriver, store: Store
) -> None:
    past, soon = (enqueue(connection, "tests.add", PAYLOAD, delay=60) for _ in range(2))
    connection.execute(
        "update continuo_outbox set ordered_at = ordered_at - interval '90 s' where id = %s", [past]
    )
    connection.commit()

    driver.work()
    now = time.time()

    due = {
        job_id: store.client.zscore("continuo:scheduled", str(job_id)) for job_id in (past, soon)
    }

    assert float(str(due[past] or 0)) <= now
    assert now + 30 < float(str(due[soon])) <= now + 60


def test_a_unique_key_makes_one_job_and_says_so_when_asked(
    connection: psycopg.Connection[Any], driver: RelayDriver
) -> None:
    first = enqueue(connection, "tests.add", PAYLOAD, unique={"key": "a"})
    same = enqueue(connection, "tests.add", PAYLOAD, unique={"key": "a"})
    strict = enqueue(connection, "tests.add", PAYLOAD, unique={"key": "a", "on_conflict": "reject"})
    connection.commit()

    driver.work()

    assert find_record(first)
    assert find_record(same) is None
    assert driver.find_reason(strict) == "unique: another job has the key 'a'"


def test_jobs_keep_the_order_of_one_transaction(
    connection: psycopg.Connection[Any], driver: RelayDriver, store: Store
) -> None:
    ordered = [str(enqueue(connection, "tests.add", PAYLOAD)) for _ in range(1_200)]
    connection.commit()

    driver.work()
    messages: Any = store.client.lrange("celery", 0, -1)

    assert [read_id(text) for text in reversed(messages)] == ordered


def read_id(text: bytes) -> str:
    job_id: str = json.loads(text)["properties"]["correlation_id"]
    return job_id


def test_what_was_committed_before_another_transaction_began_comes_first_in_the_midst_of_a_pass(
    database: str,
    connection: psycopg.Connection[Any],
    driver: RelayDriver,
    store: Store,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(outbox, "MAX_ROWS", 2)
    slow = enqueue(connection, "tests.add", PAYLOAD)
    with psycopg.connect(database) as other:
        quick = [enqueue(other, "tests.add", PAYLOAD) for _ in range(5)]

    assert driver.relay.relay(driver.outbox)  # two of the five
    connection.commit()
    with psycopg.connect(database) as other:
        later = enqueue(other, "tests.add", PAYLOAD)
    driver.work()
    messages: Any = store.client.lrange("celery", 0, -1)

    ordered = [read_id(text) for text in reversed(messages)]
    assert ordered == [str(job_id) for job_id in (*quick, slow, later)]


def test_deleted_rows_that_an_open_transaction_keeps_are_not_looked_at_again(
    database: str, connection: psycopg.Connection[Any], driver: RelayDriver
) -> None:
    held = enqueue(connection, "tests.add", PAYLOAD)
    with psycopg.connect(database) as other:
        for _ in range(DELETED_ROWS):
            enqueue(other, "tests.add", PAYLOAD)
    driver.work()
    with psycopg.connect(database) as other:
        last = enqueue(other, "tests.add", PAYLOAD)

    driver.outbox.connection.execute("set enable_seqscan = off")  # as with many rows
    before = count_entries_read(driver)
    with driver.outbox.take(1_000) as rows:
        read = count_entries_read(driver) - before
    connection.commit()
    driver.work()

    assert [row.id for row in rows] == [str(last)]
    assert read < DELETED_ROWS / 10
    assert find_record(held)


def count_entries_read(driver: RelayDriver) -> int:
    """How many entries of indexes the relay has read lately."""
    row = driver.outbox.connection.execute(ENTRIES_READ).fetchone()
    assert row
    return int(row[0])


def test_a_row_that_somebody_had_locked_is_taken_in_a_later_pass(
    database: str, connection: psycopg.Connection[Any], driver: RelayDriver
) -> None:
    locked = enqueue(connection, "tests.add", PAYLOAD)
    connection.commit()
    with psycopg.connect(database) as other:
        other.execute("select from continuo_outbox for update")
        driver.work()
    driver.work()
    before = find_record(locked)

    driver.outbox.forget_seen()  # as after a minute
    driver.work()

    assert before is None
    assert find_record(locked)


@pytest.mark.timeout(120 + ROWS / 500)
def test_many_rows_of_one_transaction_become_jobs_once(
    connection: psycopg.Connection[Any], driver: RelayDriver, store: Store
) -> None:
    order = """
        select count(continuo_enqueue('tests.add', jsonb_build_object('x', i, 'y', 0)))
        from generate_series(1, %s) as i
    """
    connection.execute(order, [ROWS])
    connection.commit()

    driver.work()

    assert driver.count() == 0
    assert store.client.llen("celery") == ROWS


def test_a_relay_that_dies_before_its_commit_doubles_nothing(
    connection: psycopg.Connection[Any], driver: RelayDriver, store: Store
) -> None:
    plain = enqueue(connection, "tests.add", PAYLOAD)
    unique = enqueue(connection, "tests.add", PAYLOAD, unique={"key": "a", "on_conflict": "reject"})
    connection.commit()

    with suppress(KeyboardInterrupt), driver.outbox.take(1_000) as rows:
        driver.relay.make_jobs(rows)
        raise KeyboardInterrupt
    assert driver.count() == 2
    driver.work()

    assert store.client.llen("celery") == 2
    assert find_record(plain)
    assert find_record(unique)
    assert (driver.count(), driver.count("continuo_outbox_refused")) == (0, 0)


def test_one_relay_works_at_a_time(
    database: str, connection: psycopg.Connection[Any], driver: RelayDriver
) -> None:
    enqueue(connection, "tests.add", PAYLOAD)
    connection.commit()

    with type(driver.outbox)(database) as other, other.take(1_000) as rows:
        assert len(rows) == 1
        assert driver.relay.relay(driver.outbox) is False


def test_an_id_that_is_taken_counts_as_done(
    connection: psycopg.Connection[Any], driver: RelayDriver
) -> None:
    job_id = uuid4()
    pay.apply_async(kwargs={"amount": Decimal(5)}, task_id=str(job_id))
    connection.execute(
        "insert into continuo_outbox (id, kind, payload) values (%s, 'tests.pay', %s)",
        [job_id, '{"amount": "7"}'],
    )
    connection.commit()

    driver.work()

    assert read_arguments(driver.relay.store, job_id) == build_payment("5")
    assert driver.count() == 0
