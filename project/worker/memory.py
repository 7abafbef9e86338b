"""How much memory processes have, and which of them the kernel killed for want of it."""

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


class MemoryWatch:
    """Tells a process that the kernel killed for want of memory from one killed otherwise."""

    def __init__(self) -> None:
        self._seen = kernel_kills()

    def explain(self, cause: str) -> str:
        """The cause of a death, with the kernel's part in it."""
        if "SIGKILL" not in cause:
            return cause
        before, self._seen = self._seen, kernel_kills()
        return f"{cause} (out of memory)" if self._seen > before else cause


def kernel_kills() -> int:
    """How many processes this kernel has killed for want of memory."""
    with suppress(OSError):
        for line in Path("/proc/vmstat").read_text().splitlines():
            if line.startswith("oom_kill "):
                return int(line.split()[1])
    return 0
