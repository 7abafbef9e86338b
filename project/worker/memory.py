"""How much memory processes have."""

import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

PAGE = os.sysconf("SC_PAGE_SIZE")


def resident(processes: Iterable[int]) -> int:
    """Bytes resident in these processes; in those that are gone, or without /proc, none."""
    return sum(map(_pages, processes)) * PAGE


def _pages(pid: int) -> int:
    with suppress(OSError):
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return 0
