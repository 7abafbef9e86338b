"""Child processes that end with their parent (Linux only: the kernel sends the signal)."""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def end_with_parent(number: signal.Signals) -> None:
    """Ask the kernel to send the signal ``number`` to this process when its parent ends.

    Does nothing on systems other than Linux. The signal is not sent when the parent ended before
    this call; compare ``os.getppid()`` where that matters.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, number)


def detach_from_terminal() -> None:
    """Prepare a new child: its own session, no blocked signals, SIGTERM when the parent ends."""
    os.setsid()
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    end_with_parent(signal.SIGTERM)
