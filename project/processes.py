"""Processes that end with the one that started them: the kernel sees to it (Linux only)."""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def end_with_parent(number: signal.Signals) -> None:
    """Have the kernel send ``number`` to this process when its parent ends.

    Does nothing on systems other than Linux. A parent that ended before this call goes
    unnoticed: compare ``os.getppid()`` where that matters.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, number)


def detach_from_terminal() -> None:
    """In a new child: start a session of its own, unblock signals, and end with the parent."""
    os.setsid()
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    end_with_parent(signal.SIGTERM)
