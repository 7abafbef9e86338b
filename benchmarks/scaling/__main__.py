"""Simulate larger installations: ``python -m benchmarks.scaling``.

Prints the tables and writes them and the picture into ``docs/``. ``--measure`` first measures
again what a job costs its Valkey.
"""

import argparse
import sys
from pathlib import Path

from benchmarks.scaling import measure
from benchmarks.scaling.charts import draw_picture
from benchmarks.scaling.tables import PARTS
from benchmarks.support.page_parts import renew_parts

DOCS = Path(__file__).parents[2] / "docs"
PAGE_FILE = DOCS / "scaling.md"
PICTURE_FILE = DOCS / "pictures" / "scaling.svg"
COMMAND = "benchmarks.scaling"


def main() -> int:
    """Simulate, print and write."""
    parser = argparse.ArgumentParser(prog=f"python -m {COMMAND}", description=__doc__)
    parser.add_argument("--measure", action="store_true", help="measure the costs in Valkey first")
    if parser.parse_args().measure:
        measure.write_costs()
    for make in PARTS.values():
        print(make(), end="\n\n")
    PICTURE_FILE.write_text(draw_picture())
    PAGE_FILE.write_text(renew_parts(PAGE_FILE.read_text(), COMMAND, PARTS))
    return 0


if __name__ == "__main__":
    sys.exit(main())
