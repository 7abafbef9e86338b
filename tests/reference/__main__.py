"""Write the generated parts of docs/reference: ``python -m tests.reference``.

Text outside the ``made by`` and ``end`` markers stays as it is.
"""

import sys
from pathlib import Path

from benchmarks.support.page_parts import PageParts, renew_parts
from tests.reference import failures, files, jobs, metrics, records, routes, variables
from tests.support.documents.markdown import ROOT

FOLDER = ROOT / "docs" / "reference"
COMMAND = "tests.reference"
PARTS: PageParts = {
    "routes": routes.make_routes,
    "settings": variables.make_settings,
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
    "metrics": metrics.make_metrics,
    "files": files.make_files,
}


def read_pages() -> dict[Path, str]:
    """The text of each page."""
    return {path: path.read_text() for path in sorted(FOLDER.glob("*.md"))}


def main() -> int:
    """Write all pages."""
    for path, page in read_pages().items():
        path.write_text(renew_parts(page, COMMAND, PARTS))
    return 0


if __name__ == "__main__":
    sys.exit(main())
