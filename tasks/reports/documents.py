"""Reports as documents: ordered here, made by the press in a process of its own."""

import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from project.errors import InvalidField, PermanentError, TransientError
from project.settings import settings
from tasks.reports import catalogue
from tasks.reports.filters import check
from tasks.reports.press.orders import PASSING, Order

FOLDER = Path(__file__).parent
PRESS = (sys.executable, "-m", "press")
"""Run in ``FOLDER``: by this name the press loads neither ``tasks.reports`` nor Celery."""
TOLD = 2_000
"""Characters of the press's last words that are kept, from the end."""


@dataclass(frozen=True)
class Report:
    """A finished report: the PDF and how many source rows it was made of."""

    pdf: bytes
    rows: int


def build(report_type: str, filters: Mapping[str, Any]) -> Report:
    """The report. The same type, filters and data give the same bytes.

    Raises ``TransientError`` when the press ran out of time, memory or disk or
    was killed, ``PermanentError`` when the type, its SQL or a filter is wrong.
    """
    try:
        checked = check(report_type, filters)
    except InvalidField as error:
        raise PermanentError(str(error)) from error
    kind = catalogue.find(report_type)
    with tempfile.TemporaryDirectory(prefix="report-") as scratch:
        return pressed(
            Order(
                definition=kind.definition,
                sql=kind.sql,
                filters=checked,
                demo_dir=str(settings().data_dir / "demo"),
                scratch_dir=scratch,
            )
        )


def pressed(order: Order) -> Report:
    """What the press makes of the order; errors as in ``build``."""
    seconds = order.definition.limits.seconds
    try:
        done = subprocess.run(  # noqa: S603 - our own module, and no shell
            PRESS,
            cwd=FOLDER,
            process_group=0,  # Ctrl-C in a terminal stops the worker, which waits for the press
            input=msgspec.json.encode(order),
            capture_output=True,
            timeout=seconds,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise TransientError(f"the report took longer than {seconds} s") from error
    except OSError as error:
        raise TransientError(f"the press did not start: {error}") from error
    _refuse_failure(done)
    head, _, pdf = done.stdout.partition(b"\n")
    return Report(pdf, json.loads(head)["rows"])


def _refuse_failure(done: "subprocess.CompletedProcess[bytes]") -> None:
    if done.returncode == 0:
        return
    said = done.stderr.decode(errors="replace").strip()[-TOLD:]
    if done.returncode < 0:
        raise TransientError(f"the press was killed by signal {-done.returncode}: {said}")
    if done.returncode == PASSING:
        raise TransientError(f"the press gave up: {said}")
    raise PermanentError(f"the report cannot be made: {said}")
