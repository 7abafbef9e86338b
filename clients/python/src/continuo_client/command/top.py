"""``continuo top``: queues, workers and the last failures, live in the terminal."""

import select
import shutil
import sys
import time
from argparse import Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from continuo_client.client import Client
from continuo_client.command import commands, output
from continuo_client.command.connection import connect
from continuo_client.command.outcomes import ExitStatus
from continuo_client.errors import Unreachable

FAILURES = 5
"""How many failed jobs are shown."""

QUIT = ("q", "Q", "\x03", "\x04")
ENTER_SCREEN, LEAVE_SCREEN = "\x1b[?1049h\x1b[?25l", "\x1b[?25h\x1b[?1049l"
BEGIN_FRAME, END_LINE, END_FRAME = "\x1b[H", "\x1b[K\n", "\x1b[J"


def show_top(args: Namespace) -> ExitStatus:
    """Show queues, workers and the last failures, renewed until you press q."""
    if args.as_json:
        output.print_json(read_overview(connect(args)))
        return ExitStatus.SUCCESS
    if args.once or not sys.stdout.isatty():
        output.print_lines(format_overview(read_overview(connect(args))))
        return ExitStatus.SUCCESS
    client = connect(args, seconds=0.0)
    with use_screen():
        while True:
            draw(read_frame(client))
            if wait_for_quit(args.every):
                return ExitStatus.SUCCESS


def read_overview(client: Client) -> dict[str, Any]:
    """What is shown: the answers of the API."""
    return {
        "minutes": client.call("GET", "/queue/history")["minutes"],
        "queues": client.queues(),
        "workers": client.workers(),
        "failures": client.call("GET", "/tasks", status="failed", limit=FAILURES)["tasks"],
    }


def read_frame(client: Client) -> list[str]:
    """The lines for the screen, also while the API is away."""
    head = f"continuo top   {time.strftime('%H:%M:%S')}   q: quit"
    try:
        return [head, "", *format_overview(read_overview(client))]
    except Unreachable as error:
        return [head, "", str(error)]


def format_overview(overview: dict[str, Any]) -> list[str]:
    """The lines about everything."""
    return [
        format_rates(overview["minutes"]),
        "",
        *output.format_table(
            commands.QUEUE_COLUMNS, map(commands.build_queue_row, overview["queues"])
        ),
        "",
        *output.format_table(
            commands.WORKER_COLUMNS, map(commands.build_worker_row, overview["workers"])
        ),
        "",
        *output.format_table(
            ("failed", "kind", "id", "error"), map(build_failure_row, overview["failures"])
        ),
    ]


def format_rates(minutes: list[dict[str, Any]]) -> str:
    """The line about the last whole minute, which is the last but one."""
    last = minutes[-2]
    waited = "-" if last["wait_p95"] is None else f"{last['wait_p95']:.1f} s"
    counts = "  ".join(f"{name} {last[name]}" for name in ("ordered", "success", "failed"))
    return f"last minute: {counts}  cancelled {last['cancelled']}  wait p95 {waited}"


def build_failure_row(record: dict[str, Any]) -> tuple[Any, ...]:
    """The cells about a failed job; of its error the last line."""
    last = record["error"].rstrip().rpartition("\n")[2]
    return output.format_time(record["finished_at"]), record["kind"], record["id"], last


@contextmanager
def use_screen() -> Iterator[None]:
    """Draw on a screen of one's own, and read keys at once, if stdin is a terminal."""
    import termios  # only Unix has them
    import tty

    keyboard = sys.stdin.fileno() if sys.stdin.isatty() else None
    before = termios.tcgetattr(keyboard) if keyboard is not None else None
    sys.stdout.write(ENTER_SCREEN)
    try:
        if keyboard is not None:
            tty.setcbreak(keyboard)
        yield
    finally:
        sys.stdout.write(LEAVE_SCREEN)
        sys.stdout.flush()
        if keyboard is not None and before is not None:
            termios.tcsetattr(keyboard, termios.TCSADRAIN, before)


def draw(lines: list[str]) -> None:
    """Write the lines over those of before, as far as the screen has room."""
    columns, rows = shutil.get_terminal_size()
    shown = [line[:columns] for line in lines[: rows - 1]]
    sys.stdout.write(BEGIN_FRAME + "".join(line + END_LINE for line in shown) + END_FRAME)
    sys.stdout.flush()


def wait_for_quit(seconds: float) -> bool:
    """Whether a key that ends the command was pressed within ``seconds``."""
    if not sys.stdin.isatty():
        time.sleep(seconds)
        return False
    is_pressed, _, _ = select.select([sys.stdin], [], [], seconds)
    return bool(is_pressed) and sys.stdin.read(1) in ("", *QUIT)
