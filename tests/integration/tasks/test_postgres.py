"""Report types over a real PostgreSQL."""

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import psycopg
import pytest

from project.errors import PermanentError, TransientError
from tasks.rendering.definitions.schema import (
    Origin,
    Output,
    Parameter,
    RenderOrder,
    RenderProgress,
    RenderResult,
)
from tasks.rendering.process import run_render_process
from tests.support.servers.postgres import serve_postgres
from tests.support.waiting import wait_until

SQL = """
-- every order; the word $nothing in a comment is no filter, nor is '$this'
select * from orders
where ($vendor is null or vendor = $vendor) and ($most is null or id <= $most)
order by id
"""


@pytest.fixture(scope="module")
def database() -> Iterator[str]:
    """The address of a server."""
    with serve_postgres() as url:
        yield url


@pytest.fixture
def order(database: str, tmp_path: Path) -> RenderOrder:
    """An order of rows from the database, to change."""
    parameters = {
        "vendor": Parameter(title="Vendor"),
        "most": Parameter(title="Most", type="integer"),
    }
    return RenderOrder(
        name="orders",
        origin=Origin(title="Orders", engine="postgres", parameters=parameters),
        sql=SQL,
        filters={},
        outputs=["csv"],
        home=str(tmp_path),
        folder=str(tmp_path),
        demo_dir=str(tmp_path),
        database_url=database,
    )


def replace_limits(order: RenderOrder, *, seconds: int = 60, **changes: Any) -> RenderOrder:
    limits = msgspec.structs.replace(order.origin.limits, seconds=seconds)
    origin = msgspec.structs.replace(order.origin, limits=limits)
    return msgspec.structs.replace(order, origin=origin, **changes)


def content(order: RenderOrder, made: RenderResult, output: Output) -> str:
    return Path(order.folder, made.files[output]).read_text()


def test_rows_keep_their_values_and_types(order: RenderOrder) -> None:
    steps: list[RenderProgress] = []
    made = run_render_process(replace_limits(order, outputs=["csv", "json"]), steps.append)
    assert made.rows == 2_500
    assert steps[0] == RenderProgress(1_000, None, "reading")

    lines = list(csv.reader(io.StringIO(content(order, made, "csv"), newline="")))
    assert lines[0][:6] == ["id", "placed", "at", "vendor", "note", "amount"]
    assert lines[10][3] == "'=cmd10"

    first, second, third = json.loads(content(order, made, "json"))[:3]
    assert (first["id"], first["placed"], first["amount"]) == (1, "2026-01-02", 1.25)
    assert (first["note"], third["note"]) == ("", None)
    assert second["note"] == 'a "note", with\ntwo lines'
    assert second["urgent"] is True


def test_a_filter_is_bound_by_the_server(order: RenderOrder) -> None:
    assert (
        run_render_process(replace_limits(order, filters={"vendor": "Vendor 3", "most": 100})).rows
        == 12
    )

    hostile = "x' or 1=1; drop table orders --"
    assert run_render_process(replace_limits(order, filters={"vendor": hostile})).rows == 0
    assert run_render_process(order).rows == 2_500


def test_a_report_can_be_made_from_rows_of_the_database(database: str, tmp_path: Path) -> None:
    from tasks.rendering.definitions.report_types import load_types_in
    from tasks.reports.documents import build_report_order

    home = tmp_path / "types" / "orders"
    home.mkdir(parents=True)
    (home / "report.sql").write_text(SQL)
    (home / "report.toml").write_text("""
title = "Orders"
description = "Out of the database."
engine = "postgres"
covers = "min(placed)::varchar"
[parameters.vendor]
title = "Vendor"
[parameters.most]
title = "Most"
type = "integer"
[[kpis]]
label = "Orders"
value = "count(*)"
format = "integer"
[table]
title = "Orders"
order = ["id"]
[[columns]]
label = "Id"
value = "id"
format = "integer"
""")
    kind = load_types_in(tmp_path / "types")["orders"]
    order = msgspec.structs.replace(
        build_report_order("shop", {}, ["pdf", "csv"], tmp_path),
        definition=kind.definition,
        origin=kind.definition.origin,
        sql=kind.sql,
        database_url=database,
    )
    made = run_render_process(order)

    assert (made.rows, made.lines) == (2_500, 2_500)
    assert made.pages
    assert made.pages > 20


@pytest.mark.parametrize(
    "sql",
    [
        "insert into orders values (0)",
        "delete from orders returning id",
        "with gone as (delete from orders returning id) select * from gone",
        "drop table orders",
        "select 1; drop table orders",
        "update orders set amount = 0 returning id",
        "create table mine as select 1",
        "create temp table mine as select 1",
        "copy orders to '/tmp/orders.csv'",
        "copy (select 1) to program 'touch /tmp/here'",
        "select * from secrets",
        "select pg_read_file('/etc/passwd')",
        "select lo_import('/etc/passwd')",
        "set default_transaction_read_only = off",
        "begin; select 1",
        "select missing from orders",
        "selec 1",
        "",
        "select 1 as a, 2 as a",
    ],
)
def test_sql_other_than_a_query_of_allowed_tables_is_refused(
    order: RenderOrder, database: str, sql: str
) -> None:
    with pytest.raises(PermanentError) as caught:
        run_render_process(replace_limits(order, sql=sql))
    assert "Traceback" not in str(caught.value)
    with psycopg.connect(database) as connection:
        assert connection.execute("select count(*), sum(amount) from orders").fetchone() == (
            2_500,
            3_907_812.5,
        )


def test_a_role_with_write_permission_still_writes_nothing(
    order: RenderOrder, database: str
) -> None:
    owner = database.replace("reader", "owner")
    for sql in ("delete from orders returning id", "select nextval('s')", "select setval('s', 9)"):
        with psycopg.connect(owner) as connection:
            connection.execute("create sequence if not exists s")
        with pytest.raises(PermanentError, match=r"read-only|syntax"):
            run_render_process(replace_limits(order, sql=sql, database_url=owner))


@pytest.mark.parametrize(
    "sql",
    [
        "select pg_sleep(60)",
        "select count(*) from orders a, orders b, orders c, orders d where a.id < b.id - c.id",
        "with recursive n(i) as (select 1 union all select i + 1 from n) select max(i) from n",
    ],
)
def test_an_endless_query_is_stopped_by_the_server(
    order: RenderOrder, database: str, sql: str
) -> None:
    with pytest.raises((TransientError, PermanentError), match=r"timeout|longer than 1 s"):
        run_render_process(replace_limits(order, sql=sql, seconds=1))
    busy = "select count(*) from pg_stat_activity where state = 'active' and usename = 'reader'"
    with psycopg.connect(database, autocommit=True) as connection:  # or it looks only once
        wait_until(lambda: connection.execute(busy).fetchone() == (1,), 5)  # this very question


def test_an_unreachable_server_is_a_temporary_error(order: RenderOrder) -> None:
    away = replace_limits(order, database_url="postgresql://reader@127.0.0.1:1/postgres")
    with pytest.raises(TransientError, match="gave up"):
        run_render_process(away)


def test_a_missing_database_url_is_reported(order: RenderOrder) -> None:
    with pytest.raises(PermanentError, match="DATABASE_URL is not set"):
        run_render_process(replace_limits(order, database_url=""))
