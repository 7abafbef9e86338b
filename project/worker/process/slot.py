"""What each pool process is running, in memory that it shares with the worker's main process.

A process writes its slot when a job begins and ends, without a system call; the main process
reads all slots ten times a second, to enforce time limits and to answer ``inspect``.
"""

import mmap
import struct
from collections import Counter
from time import monotonic
from typing import NamedTuple

import msgspec

SLOT_BYTES = 65_536
"""Size of a slot. Of a longer message only the header of the slot is kept."""

COUNTS_BYTES = 32_768
COUNTS_EVERY_SECONDS = 0.5

PROCESS_BYTES = 64
"""For the name of the process and the number of its first open claim."""

_PLACE = struct.Struct("@Q")
_SIZE = struct.Struct("<I")
_HEADER = struct.Struct("<QQddddI")
_NEVER = float("inf")


class RunningAttempt(NamedTuple):
    """What a process runs. Times: ``started_at`` in seconds since the epoch, limits monotonic.

    ``message`` is the text of its message, empty when it does not fit into the slot.
    """

    serial: str
    job_id: str
    kind: str
    started_at: float
    soft_limit_at: float
    hard_limit_at: float
    message: bytes


class Slot:
    """One pool process's slot: written by that process, read by the main one."""

    def __init__(self) -> None:
        self._memory = mmap.mmap(-1, SLOT_BYTES + COUNTS_BYTES + PROCESS_BYTES)
        self._version = 0
        self.counted = 0
        self._counts: Counter[str] = Counter()
        self._publish_at = 0.0

    def begin(
        self,
        serial: str,
        job_id: str,
        kind: str,
        message: bytes,
        started_at: float,
        soft_limit_at: float | None = None,
        hard_limit_at: float | None = None,
    ) -> None:
        """Say which attempt runs; its limits in monotonic seconds."""
        names = "".join(
            f"{' '.join(name.splitlines())}\n" for name in (serial, job_id, kind)
        ).encode()
        text = names + message
        if len(text) > SLOT_BYTES - _HEADER.size:
            text = names[: SLOT_BYTES - _HEADER.size]
        soft, hard = (_NEVER if at is None else at for at in (soft_limit_at, hard_limit_at))
        self._write(started_at, soft, hard, text)

    def clear(self) -> None:
        """Say that nothing runs."""
        self._write(0.0, _NEVER, _NEVER, b"")

    def count(self, kind: str) -> None:
        """Count an attempt that has ended in this process."""
        self.counted += 1
        self._counts[kind] += 1
        if monotonic() >= self._publish_at:
            self.publish_counts()

    def publish_counts(self) -> None:
        """Let the main process see how many attempts of each kind have ended here."""
        text = msgspec.json.encode(self._counts)
        if len(text) <= COUNTS_BYTES - _SIZE.size:
            self._memory[SLOT_BYTES + _SIZE.size : SLOT_BYTES + _SIZE.size + len(text)] = text
            _SIZE.pack_into(self._memory, SLOT_BYTES, len(text))
        self._publish_at = monotonic() + COUNTS_EVERY_SECONDS

    def read_counts(self) -> dict[str, int]:
        """How many attempts of each kind had ended when they were last published."""
        (size,) = _SIZE.unpack_from(self._memory, SLOT_BYTES)
        text = self._memory[SLOT_BYTES + _SIZE.size : SLOT_BYTES + _SIZE.size + size]
        try:
            return msgspec.json.decode(text, type=dict[str, int]) if size else {}
        except msgspec.DecodeError:  # read while it was written
            return {}

    def name(self, process: str) -> None:
        """Say how the process is named in the serials of its claims."""
        text = process.encode()[: PROCESS_BYTES - _PLACE.size].ljust(PROCESS_BYTES - _PLACE.size)
        self._memory[-len(text) :] = text

    def settle(self, place: int) -> None:
        """Say that all claims with smaller numbers are over, except those that run."""
        _PLACE.pack_into(self._memory, SLOT_BYTES + COUNTS_BYTES, place)

    def read_settled(self) -> tuple[str, int]:
        """The name of the process, "" before its first claim, and the number it has settled."""
        (place,) = _PLACE.unpack_from(self._memory, SLOT_BYTES + COUNTS_BYTES)
        name = self._memory[-(PROCESS_BYTES - _PLACE.size) :].strip(b" \0").decode()
        return name, place

    def read(self) -> RunningAttempt | None:
        """What runs now; None when nothing does."""
        for _ in range(100):
            before, _, started_at, soft, hard, _, size = _HEADER.unpack_from(self._memory)
            text = self._memory[_HEADER.size : _HEADER.size + size]
            after = _HEADER.unpack_from(self._memory)[0]
            if before == after and before % 2 == 0:
                return _attempt_of(started_at, soft, hard, text) if size else None
        return None

    @property
    def ended(self) -> int:
        """How many attempts the process has ended."""
        count: int = _HEADER.unpack_from(self._memory)[1]
        return count

    def _write(self, started_at: float, soft: float, hard: float, text: bytes) -> None:
        self._version += 2
        head = (self.counted, started_at, soft, hard, 0.0, len(text))
        _HEADER.pack_into(self._memory, 0, self._version - 1, *head)
        self._memory[_HEADER.size : _HEADER.size + len(text)] = text
        _HEADER.pack_into(self._memory, 0, self._version, *head)


def _attempt_of(started_at: float, soft: float, hard: float, text: bytes) -> RunningAttempt:
    serial, job_id, kind, message = text.split(b"\n", 3)
    return RunningAttempt(
        serial.decode(), job_id.decode(), kind.decode(), started_at, soft, hard, message
    )
