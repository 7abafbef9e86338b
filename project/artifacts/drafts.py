"""A file that a job of one's own writes; it becomes an artifact when its block ends.

A block that raises an error stores nothing and leaves nothing. The folder of a process that was
killed is removed by ``project.artifacts.cleanup``.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from project.artifacts.links import describe_artifact, open_workshop, store_artifact
from project.errors import InvalidField, PermanentError
from project.text import is_line

MAX_FILENAME_BYTES = 200
"""The length of a file name in UTF-8; file systems allow 255."""


class Draft:
    """A file in the making. Write it to ``path``; after the block, ``result`` describes it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._result: dict[str, Any] | None = None

    @property
    def result(self) -> dict[str, Any]:
        """The fields of ``links.describe_artifact``. Raises ``RuntimeError`` inside the block."""
        if self._result is None:
            raise RuntimeError(f"{self.path.name} is not stored before its block ends")
        return self._result

    def store(self) -> None:
        """Store what is at ``path``. Raises ``PermanentError`` when there is no file."""
        if not self.path.is_file():
            raise PermanentError(f"the block of {self.path.name!r} wrote no file to its path")
        artifact = store_artifact(self.path, self.path.name)
        self._result = describe_artifact(artifact, self.path)


@contextmanager
def open_draft(filename: str) -> Iterator[Draft]:
    """Provide a draft that people will save as ``filename``, and store it when the block ends.

    Raises ``InvalidField`` for a name that is no file name, and ``PermanentError`` when the block
    wrote no file.
    """
    check_filename(filename)
    with open_workshop() as folder:
        draft = Draft(folder / filename)
        yield draft
        draft.store()


def check_filename(filename: str) -> None:
    """Raise ``InvalidField("filename")`` unless this is one name without a folder."""
    if not isinstance(filename, str) or not is_line(filename):
        raise InvalidField("filename", "must be text without line ends and control characters")
    if not filename.strip(". ") or "/" in filename or "\\" in filename:
        raise InvalidField("filename", f"{filename!r} must be a name without a folder")
    if len(filename.encode()) > MAX_FILENAME_BYTES:
        raise InvalidField("filename", f"must have at most {MAX_FILENAME_BYTES} bytes in UTF-8")
