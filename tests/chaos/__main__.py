"""Cause faults on purpose and count lost and repeated jobs: ``python -m tests.chaos [row ...]``.

Prints one line per row. The exit code is 1 when a row broke a promise; the files of the run
(logs, ledger, the server's data) are then kept and their folder is printed.
"""

import argparse
import json
import os
import platform
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tests.chaos.judge.row_result import RowResult, format_heading
from tests.chaos.rows.registry import QUICK_ROWS, ROWS, STOCK_ROWS, RowFunction
from tests.chaos.stage.scale import FULL, QUICK, ChaosScale
from tests.chaos.stage.scene import ChaosStage
from tests.chaos.stage.stock_stage import StockStage


def main() -> int:
    """Run the requested rows; returns the exit code."""
    # sys.exit unwinds the rows, which stop the processes they have started
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped by SIGTERM"))
    asked = parse_arguments()
    scale = QUICK if asked.quick else FULL
    root = Path(tempfile.mkdtemp(prefix="continuo-chaos-"))
    print_line(format_heading())
    stages = [StockStage(root, ""), StockStage(root, "10")] if asked.stock else [ChaosStage(root)]
    names = asked.row or choose_rows(asked)
    results: list[RowResult] = []
    for name in names:
        results += [run(ROWS[name], stage, scale) for stage in stages]
        if asked.json:  # after every row, in case a later one crashes
            asked.json.write_text(json.dumps(build_document(results), indent=1))
    if any(result.find_broken_promises() for result in results):
        print_line(f"files are in {root}")
        return 1
    shutil.rmtree(root, ignore_errors=True)
    return 0


def choose_rows(asked: argparse.Namespace) -> Iterable[str]:
    """The rows to run when the command line names none."""
    if asked.stock:
        return STOCK_ROWS
    return QUICK_ROWS if asked.quick else ROWS


def parse_arguments() -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("row", nargs="*", choices=[[], *ROWS], help="all when none is named")
    parser.add_argument("--quick", action="store_true", help="the short form, about a minute")
    parser.add_argument("--stock", action="store_true", help="stock Celery, for comparison")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures there")
    return parser.parse_args()


def run(row: RowFunction, stage: ChaosStage, scale: ChaosScale) -> RowResult:
    """Run a row and print its line and its broken promises."""
    result = row(stage, scale)
    print_line(result.line())
    for promise in result.find_broken_promises():
        print_line(f"  BROKEN: {promise}")
    return result


def build_document(results: list[RowResult]) -> dict[str, Any]:
    """All figures, with the date and the machine."""
    return {
        "at": time.strftime("%Y-%m-%d %H:%M", time.gmtime()),
        "python": platform.python_version(),
        "cpus": os.cpu_count(),
        "rows": [result.to_dict() for result in results],
    }


def print_line(line: str) -> None:
    """Print a line without buffering."""
    print(line, flush=True)  # noqa: T201 - a command line program


if __name__ == "__main__":
    sys.exit(main())
