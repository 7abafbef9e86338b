"""Measure the cost of reports and exports: ``python -m benchmarks.reports``.

Prints one table each: reports of 20 pages and 500 lines one after the other, as a worker makes
them (time, CPU of all processes, memory of the ordering process); the same report by WeasyPrint
if ``--weasyprint`` names a Python that has it; a million rows in every format beside DuckDB's
own COPY.
"""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import NamedTuple

import msgspec

from project.settings.values import get_settings
from tasks.exports.files import OUTPUTS
from tasks.rendering.definitions import report_types
from tasks.rendering.definitions.schema import Limits, Origin, Output, RenderOrder
from tasks.rendering.process import run_render_process
from tasks.reports.documents import build_report, build_report_order

ROW_COUNT = 1_000_000
TYPES_FOLDER = Path(__file__).parent / "types"
REPORT_TYPE = "twenty"
"""A report type of the benchmark: these filters give 500 lines on 20 pages."""
REPORT_FILTERS = {"month": "2026-05"}
PAGE_COUNT = 20
ROUND_COUNT = 3
"""The number of rounds in which WeasyPrint and our renderer alternate."""
ROWS_SQL = """
copy (
    select i as id, date '2016-01-01' + (i % 3650)::integer as day,
        'Department ' || (i % 12) as department,
        'Vendor ' || (i * 7919 % 4999) as vendor,
        ((i * 37) % 100000 / 100.0)::decimal(12, 2) as amount,
        'note ' || md5(i::varchar) as note
    from range({rows}) t(i)
) to '{path}' (format parquet)
"""
COPY_OPTIONS = {
    "csv": "format csv, header",
    "parquet": "format parquet, compression zstd",
    "json": "format json, array true",
}
DUCKDB_SCRIPT = """
import sys, duckdb
with duckdb.connect(config={"memory_limit": "256MB", "threads": "2"}) as connection:
    connection.execute(f"copy (from '{sys.argv[1]}') to '{sys.argv[2]}' ({sys.argv[3]})")
"""
WEASYPRINT_SCRIPT = """
import sys, weasyprint
document = weasyprint.HTML(sys.argv[1]).render()
document.write_pdf(sys.argv[2])
open(sys.argv[2] + ".pages", "w").write(str(len(document.pages)))
"""


class Cost(NamedTuple):
    """Elapsed seconds, CPU seconds, and MB of the largest process."""

    seconds: float
    cpu: float
    peak: int


def main() -> None:
    """Run all measurements."""
    asked = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    asked.add_argument("--reports", type=int, default=20, help="how many one after the other")
    asked.add_argument("--weasyprint", help="a Python that has WeasyPrint")
    asked.add_argument("--exports", action=argparse.BooleanOptionalAction, default=True)
    given = asked.parse_args()
    report_types.load_all_types().update(report_types.load_types_in(TYPES_FOLDER))
    build_report(REPORT_TYPE, REPORT_FILTERS)  # makes the demo data
    measure_reports(given.reports)
    if given.weasyprint:
        measure_weasyprint(given.weasyprint)
    if given.exports:
        measure_exports()


def measure_reports(count: int) -> None:
    """Make reports one after the other like a worker: from the query to the stored file."""
    print(
        f"{count} reports of 500 lines, {PAGE_COUNT} pages: "
        "seconds, CPU seconds, MB of the ordering process"
    )
    first = here = read_resident_mb()
    costs: list[tuple[float, float]] = []
    for number in range(1, count + 1):
        started, before = time.perf_counter(), read_cpu_seconds()
        made = build_report(REPORT_TYPE, REPORT_FILTERS)
        costs.append((time.perf_counter() - started, read_cpu_seconds() - before))
        if made["pages"] != PAGE_COUNT:
            raise SystemExit(f"the report has {made['pages']} pages, not {PAGE_COUNT}")
        here = read_resident_mb()
        if number in (1, 2, 5) or number % 20 == 0:
            print(f"  {number:4}  {costs[-1][0]:6.2f}  {costs[-1][1]:6.2f}  {here:5.0f}")
    seconds, cpu = (sorted(column) for column in zip(*costs, strict=True))
    print(f"  median {median(seconds):.2f} s, {median(cpu):.2f} s of CPU")
    print(f"  least  {seconds[0]:.2f} s, {cpu[0]:.2f} s of CPU")
    print(f"  memory of the ordering process: {first:.0f} MB before, {here:.0f} MB after")


def measure_weasyprint(python: str) -> None:
    """Make the same report with WeasyPrint from our HTML, and with our renderer, in turn."""
    print("the same report: seconds, CPU seconds, MB of the process")
    ratios: list[float] = []
    for _ in range(ROUND_COUNT):
        with make_folder() as folder:
            page, pdf = folder / "page.html", folder / "page.pdf"
            order = build_report_order(REPORT_TYPE, REPORT_FILTERS, ["html"], folder)
            page.write_bytes(Path(folder, run_render_process(order).files["html"]).read_bytes())
            theirs = measure_command([python, "-c", WEASYPRINT_SCRIPT, str(page), str(pdf)])
            pages = Path(folder, "page.pdf.pages").read_text()
            print_cost(f"WeasyPrint, {pages} pages", theirs)
        with make_folder() as folder:
            ours = measure_command(
                build_render_command(
                    build_report_order(REPORT_TYPE, REPORT_FILTERS, ["pdf"], folder)
                )
            )
            print_cost(f"Continuo, {PAGE_COUNT} pages", ours)
        ratios.append(theirs.cpu / ours.cpu)
    print(
        f"  WeasyPrint takes {median(ratios):.1f} times the CPU time of Continuo, "
        "which includes the query"
    )


def measure_exports() -> None:
    """Export a million rows in every format."""
    print(
        f"{ROW_COUNT:,} rows of six columns: "
        "seconds, CPU seconds, MB of the process, MB of the file"
    )
    with make_folder() as folder:
        data = folder / "rows.parquet"
        code = f"import duckdb, sys; duckdb.execute({ROWS_SQL.format(rows=ROW_COUNT, path=data)!r})"
        measure_command([sys.executable, "-c", code])
        for output in OUTPUTS:
            if output in COPY_OPTIONS:
                target = folder / f"raw.{output}"
                command = [
                    sys.executable,
                    "-c",
                    DUCKDB_SCRIPT,
                    str(data),
                    str(target),
                    COPY_OPTIONS[output],
                ]
                print_cost(f"{output}, DuckDB's COPY", measure_command(command), target)
            with make_folder() as place:
                cost = measure_command(build_render_command(build_export(data, output, place)))
                print_cost(f"{output}, export", cost, place / f"rows.{output}")


def build_export(data: Path, output: Output, folder: Path) -> RenderOrder:
    """The order of an export of a file of rows."""
    limits = Limits(seconds=600)
    return RenderOrder(
        name="rows",
        origin=Origin(title="Rows", files={"rows_of_it": data.name}, limits=limits),
        sql="select * from rows_of_it",
        filters={},
        outputs=[output],
        home=str(data.parent),
        folder=str(folder),
        demo_dir=str(get_settings().data_dir / "demo"),
    )


def build_render_command(order: RenderOrder) -> list[str]:
    """The command that runs the render process with this order."""
    path = Path(order.folder, "order.json")
    path.write_bytes(msgspec.json.encode(order))
    return ["/bin/sh", "-c", f'exec "{sys.executable}" -m tasks.rendering < "{path}"']


def measure_command(command: list[str]) -> Cost:
    """The cost of a command. Raises when the command fails."""
    started = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        _, status, spent = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{command[0]} ended with {process.returncode}")
    seconds = time.perf_counter() - started
    return Cost(seconds, spent.ru_utime + spent.ru_stime, spent.ru_maxrss // 1024)


def print_cost(name: str, cost: Cost, file: Path | None = None) -> None:
    """Print one line of a table."""
    size = f"  {file.stat().st_size / 1e6:7.1f}" if file else ""
    print(f"  {name:24} {cost.seconds:7.2f} {cost.cpu:7.2f} {cost.peak:6}{size}")


@contextmanager
def make_folder() -> Iterator[Path]:
    """A temporary folder."""
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


def read_resident_mb() -> float:
    """The resident memory of this process, in MB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 1e6


def read_cpu_seconds() -> float:
    """The CPU time of this process and of the processes it waited for."""
    spent = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in spent)


if __name__ == "__main__":
    main()
