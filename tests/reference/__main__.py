"""``python -m tests.reference``: writes what docs/reference has from the code.

What a person wrote there stays; each part between ``made by`` and ``end`` is made anew.
"""

import re
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from tests.readme import ROOT
from tests.reference import failures, jobs, metrics, records, routes, variables

FOLDER = ROOT / "docs" / "reference"
PART = re.compile(
    r"(<!-- made by python -m tests\.reference: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL
)
PARTS: Mapping[str, Callable[[], str]] = {
    "routes": routes.make,
    "settings": variables.make,
    "problem": failures.make_problem,
    "statuses": failures.make_statuses,
    "errors": failures.make_errors,
    "states": records.make_statuses,
    "retries": records.make_retries,
    "shapes": records.make_shapes,
    "options": jobs.make_options,
    "sending": jobs.make_sending,
    "results": jobs.make_results,
    "running": jobs.make_running,
    "metrics": metrics.make,
}


def pages() -> Iterator[Path]:
    """The pages that have such parts."""
    return (path for path in sorted(FOLDER.glob("*.md")) if PART.search(path.read_text()))


def parts_of(page: Path) -> list[str]:
    """The names of the parts of a page."""
    return [name for _, name, _ in PART.findall(page.read_text())]


def renewed(page: Path) -> str:
    """The page as it should be."""
    return PART.sub(
        lambda part: f"{part[1]}\n{PARTS[part[2]]().strip()}\n\n{part[3]}", page.read_text()
    )


def main() -> int:
    """Write all pages anew."""
    for page in pages():
        page.write_text(renewed(page))
    return 0


if __name__ == "__main__":
    sys.exit(main())
