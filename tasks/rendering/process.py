"""Runs the report engine as a child process, with a deadline."""

import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import msgspec

from project.errors import PermanentError, TransientError
from tasks.rendering.definitions.schema import (
    EXIT_TEMPORARY_FAILURE,
    ProgressListener,
    RenderMessage,
    RenderOrder,
    RenderResult,
)

ROOT = Path(__file__).parents[2]
RENDER_COMMAND = (sys.executable, "-m", "tasks.rendering")
"""Run in ``ROOT``. The process loads neither Celery nor the settings."""
MAX_ERROR_CHARACTERS = 2_000
"""Characters of the stderr of the process that an error keeps, from the end."""

type RenderProcess = subprocess.Popen[bytes]

_decode_message: Callable[[bytes], RenderMessage] = msgspec.json.Decoder(RenderMessage).decode


def run_render_process(
    order: RenderOrder, on_progress: ProgressListener = lambda _: None
) -> RenderResult:
    """Render the order in a child process; the files are in ``order.folder`` afterwards.

    Raises ``TransientError`` when the process ran out of time, memory or disk or was killed,
    and ``PermanentError`` when the type, its SQL or a filter is wrong.
    """
    seconds = order.origin.limits.seconds
    errors = Path(order.folder, "stderr")
    with start_process(errors) as process, enforce_deadline(process, seconds) as is_late:
        send_order(process, order)
        result = receive_result(process, on_progress)
        code = process.wait()
    if is_late.is_set():
        raise TransientError(f"it took longer than {seconds} s")
    if result is None or code != 0:
        raise error_from_exit(code, errors.read_text(errors="replace").strip())
    return result


def describe_reading(rendered: RenderResult) -> dict[str, Any]:
    """Return ``read_as`` and ``warnings`` for the result of a job, each only if there is any."""
    fields = {"read_as": rendered.read_as, "warnings": rendered.warnings}
    return {name: msgspec.to_builtins(value) for name, value in fields.items() if value}


@contextmanager
def start_process(errors: Path) -> Iterator[RenderProcess]:
    """Start a process that waits for its order, and kill it at the end of the block.

    Its stderr goes to the file ``errors``. Raises ``TransientError`` when it does not start.
    """
    try:
        with errors.open("wb") as stderr:
            process = subprocess.Popen(  # noqa: S603 - our own module, and no shell
                RENDER_COMMAND,
                cwd=ROOT,
                process_group=0,  # Ctrl-C must stop the worker, which waits for this process
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stderr,
            )
    except OSError as error:
        raise TransientError(f"the render process did not start: {error}") from error
    with process:
        try:
            yield process
        finally:
            process.kill()


@contextmanager
def enforce_deadline(process: RenderProcess, seconds: float) -> Iterator[threading.Event]:
    """Kill the process after ``seconds``; the event is set if that happened."""
    is_late = threading.Event()

    def end() -> None:
        is_late.set()
        process.kill()

    timer = threading.Timer(seconds, end)
    timer.start()
    try:
        yield is_late
    finally:
        timer.cancel()


def send_order(process: RenderProcess, order: RenderOrder) -> None:
    """Write the order to the process; if it has ended, its exit code will say why."""
    assert process.stdin  # noqa: S101 - started with a pipe
    with suppress(BrokenPipeError), process.stdin:
        process.stdin.write(msgspec.json.encode(order))


def receive_result(process: RenderProcess, on_progress: ProgressListener) -> RenderResult | None:
    """Pass on progress until the result arrives; None when the process ends without one."""
    assert process.stdout  # noqa: S101 - started with a pipe
    for line in process.stdout:
        message = _decode_message(line)
        if isinstance(message, RenderResult):
            return message
        on_progress(message)
    return None


def build_progress_listener(job: Any) -> ProgressListener:
    """Return a listener that writes progress to the record of ``job``."""
    return lambda step: job.progress(step.done, step.total, step.note)


def error_from_exit(code: int, stderr: str) -> Exception:
    """Return the error for an exit code; its message ends with the end of ``stderr``."""
    stderr = stderr[-MAX_ERROR_CHARACTERS:]
    if code < 0:
        return TransientError(f"the render process was killed by signal {-code}: {stderr}")
    if code == EXIT_TEMPORARY_FAILURE:
        return TransientError(f"the render process gave up: {stderr}")
    return PermanentError(f"the report cannot be made: {stderr}")
