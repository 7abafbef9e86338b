"""``python -m project.worker.healthcheck``: is there a live worker on this host? For health checks.

Exit 0 when one holds its lease, 1 when none does or Redis does not say, 2 when a setting is wrong.
"""

import platform
import sys

from project.errors import StoreUnavailable
from project.settings.checks import run_program
from project.settings.values import get_settings
from project.store.client import Store
from project.store.commands import workers as worker_commands


def main() -> int:
    """Look for the lease."""
    host = platform.node()
    try:
        workers = Store(get_settings().store_url, timeout=2).run(worker_commands.list_workers())
    except StoreUnavailable as problem:
        print(problem.reason, file=sys.stderr)  # noqa: T201
        return 1
    if not any(worker.host == host for worker in workers):
        print(f"no live worker on {host}", file=sys.stderr)  # noqa: T201
        return 1
    return 0


if __name__ == "__main__":
    run_program("healthcheck", main)
