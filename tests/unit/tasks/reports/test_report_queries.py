"""The SQL of a report: what it may read, and when it is stopped."""

from pathlib import Path

import msgspec
import pytest

from project.errors import PermanentError, TransientError
from tasks.rendering.definitions.schema import RenderOrder
from tests.support.report_pdfs import render_pdf, with_sql

REFUSALS = r"must hold exactly one SELECT|Permission Error|does not exist|not found|Parser Error"


@pytest.mark.parametrize(
    "sql",
    [
        "select * from read_csv('/etc/passwd')",
        "select * from read_text('/etc/hostname')",
        "select * from glob('/etc/*')",
        "select * from read_json('/etc/passwd')",
        "select * from read_blob('/etc/hostname')",
        "select * from sniff_csv('/etc/passwd')",
        "select * from read_csv('../secret_key')",
        "select * from read_parquet('http://127.0.0.1/a.parquet')",
        "select getenv('HOME')",
        "export database '/tmp/out'",
        "call pragma_version()",
        "detach memory",
        "prepare p as select 1",
        "explain select 1",
        "select * from '/etc/passwd'",
        "attach '/tmp/other.db' as other",
        "copy (select 1) to '/tmp/out.csv'",
        "select 1; drop view spend",
        "set memory_limit = '8GB'",
        "pragma database_list",
        "install httpfs",
        "load httpfs",
        "create table t as select 1",
        "",
        "select missing from spend",
        "selec 1",
    ],
)
def test_sql_other_than_a_select_over_the_sources_is_refused(order: RenderOrder, sql: str) -> None:
    with pytest.raises(PermanentError, match=REFUSALS) as caught:
        render_pdf(with_sql(order, sql))
    assert "Traceback" not in str(caught.value)


def test_a_data_folder_with_special_characters_works(order: RenderOrder, tmp_path: Path) -> None:
    folder = tmp_path / "it's [a] *"
    assert render_pdf(msgspec.structs.replace(order, demo_dir=str(folder))).rows > 0


def test_an_unbound_filter_is_refused(order: RenderOrder) -> None:
    with pytest.raises(PermanentError, match="does not use the filter 'month'"):
        render_pdf(msgspec.structs.replace(order, sql="select 1", filters={"month": "2026-05"}))


def test_a_filter_cannot_become_sql(order: RenderOrder) -> None:
    filters = {"department": "x' or 1=1 --"}
    assert render_pdf(msgspec.structs.replace(order, filters=filters)).rows == 0


@pytest.mark.parametrize(
    "sql",
    [
        "with recursive n(i) as (select 1 union all select i + 1 from n) select * from n",
        "select a.* from spend a, spend b, spend c where a.amount + b.amount = c.amount + 0.001",
    ],
)
def test_an_endless_query_is_stopped_and_can_be_retried(order: RenderOrder, sql: str) -> None:
    with pytest.raises(TransientError, match=r"longer than 1 s|gave up"):
        render_pdf(with_sql(order, sql, seconds=1))


@pytest.mark.parametrize(
    "sql",
    [
        "select length(repeat('x', 4_000_000_000)) as n",
        "select list(i) as l from range(2_000_000_000) t(i)",
        "select string_agg(repeat('x', 1000), '') as s from range(10_000_000) t(i)",
    ],
)
def test_a_query_that_needs_too_much_memory_is_stopped_and_can_be_retried(
    order: RenderOrder, sql: str
) -> None:
    with pytest.raises(TransientError, match=r"(?i)memory"):
        render_pdf(with_sql(order, sql))


def test_symbolic_links_in_the_folder_are_not_followed(order: RenderOrder) -> None:
    link = Path(order.folder, "link.csv")
    link.symlink_to("/etc/passwd")

    with pytest.raises(PermanentError, match=REFUSALS):
        render_pdf(with_sql(order, f"select * from read_csv('{link}')"))  # noqa: S608 - a test's own
