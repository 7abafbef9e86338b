"""Notice changed code, for ``make up RELOAD=1``."""

import threading
from collections.abc import Iterable
from pathlib import Path
from queue import SimpleQueue
from types import TracebackType
from typing import Self

from watchfiles import watch

STOP_TIMEOUT_SECONDS = 5.0
POLL_MILLISECONDS = 200
"""How often the watcher looks whether it is to stop."""


class CodeWatch:
    """Watches folders while the ``with`` block runs.

    Swap files of editors, ``__pycache__`` and version control are left out.
    """

    def __init__(self, folders: Iterable[Path]) -> None:
        self._changes: SimpleQueue[Path] = SimpleQueue()
        self._stop = threading.Event()
        self._thread = threading.Thread(
            target=self._run, args=tuple(folders), name="watch code", daemon=True
        )

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join(STOP_TIMEOUT_SECONDS)

    def take_changes(self) -> list[Path]:
        """The files that were written or deleted since the last call."""
        found = []
        while not self._changes.empty():
            found.append(self._changes.get())
        return found

    def _run(self, *folders: Path) -> None:
        for changes in watch(
            *folders,
            stop_event=self._stop,
            rust_timeout=POLL_MILLISECONDS,
            yield_on_timeout=False,
            raise_interrupt=False,
        ):
            for _, name in sorted(changes):
                self._changes.put(Path(name))


def find_syntax_error(paths: Iterable[Path]) -> str:
    """The first syntax error in Python files, with file and line; "" when there is none."""
    for path in paths:
        if path.suffix != ".py" or not path.exists():
            continue
        try:
            compile(path.read_bytes(), str(path), "exec", dont_inherit=True)
        except SyntaxError as problem:
            return f"{path}, line {problem.lineno}: {problem.msg}"
    return ""
