"""The whole log of an attempt that logs more than Redis keeps: a compressed file, as results have.

The lines stay in memory up to the size that Redis keeps. Beyond it they are compressed as they
come, by the thread that logs them: a job that logs much pays for it itself.
"""

import gzip
from contextlib import ExitStack
from typing import TYPE_CHECKING

from project.artifacts.links import Artifact, build_link, open_workshop, store_artifact
from project.records.log_line import KEPT_BYTES, LogFile, LogFileLink

if TYPE_CHECKING:
    from pathlib import Path

MAX_BYTES = 4 << 30
"""Bytes of the lines of an attempt; later ones are left out and counted."""

FAST = 1
"""The level of compression: about 100 MB of lines a second."""


class WholeLog:
    """Collects the lines of one attempt of a job; each ends with a newline."""

    def __init__(self, job_id: str, attempt: int) -> None:
        self._attempt = attempt
        self._filename = f"log-{job_id}-{attempt}.jsonl.gz"
        self._lines = self._bytes = self._left_out = 0
        self._first: list[bytes] = []
        self._file: gzip.GzipFile | None = None
        self._path: Path
        self._resources: ExitStack

    def write(self, line: bytes) -> None:
        """Add a line."""
        if self._bytes > MAX_BYTES:
            self._left_out += 1
            return
        self._lines += 1
        self._bytes += len(line)
        if self._file is None and self._bytes <= KEPT_BYTES:
            self._first.append(line)
            return
        if self._file is None:
            self._file = self._open()
        self._file.write(line)

    def _open(self) -> gzip.GzipFile:
        self._resources = ExitStack()
        folder = self._resources.enter_context(open_workshop())
        self._path = folder / "lines.gz"
        file = self._resources.enter_context(gzip.GzipFile(self._path, "wb", FAST))
        file.writelines(self._first)
        self._first = []
        return file

    def store(self) -> LogFile | None:
        """Store the file; None when Redis keeps all of the log."""
        if self._file is None:
            return None
        with self._resources:
            self._file.close()
            artifact = store_artifact(self._path, self._filename)
            size = self._path.stat().st_size
        return LogFile(self._attempt, self._lines, self._left_out, size, *artifact)


def link_file(file: LogFile) -> LogFileLink:
    """The file with a link to it."""
    link = build_link(Artifact(file.key, file.filename))
    return LogFileLink(file.attempt, file.lines, file.left_out, file.size, file.filename, link)
