"""Send more than 10,000 requests generated from /openapi.json and check every answer."""

import sys
import tempfile
from pathlib import Path
from time import monotonic

from tests.contract.tryout import API_KEY, API_KEY_SETTINGS, check_contract
from tests.support.programs.system import System

MAX_EXAMPLES = 260
TIMEOUT_SECONDS = 2_400.0


def main() -> int:
    """Print the findings; returns 1 when there are any."""
    with tempfile.TemporaryDirectory(prefix="continuo-contract-") as folder:
        system = System(Path(folder) / "system")
        system.folder.mkdir()
        system.http.headers["X-API-Key"] = API_KEY
        try:
            system.start(**API_KEY_SETTINGS)
            started = monotonic()
            verdict = check_contract(system, examples=MAX_EXAMPLES, seconds=TIMEOUT_SECONDS)
        finally:
            system.close()
    sys.stdout.write(verdict.report)
    sys.stdout.write(f"{verdict.cases} cases in {monotonic() - started:.0f} s\n")
    return 0 if verdict.is_kept else 1


if __name__ == "__main__":
    sys.exit(main())
