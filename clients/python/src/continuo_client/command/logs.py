"""The command ``logs``: what a job has logged, and what it logs."""

import time
from argparse import Namespace
from typing import Any
from urllib.parse import quote

from continuo_client.client import Client
from continuo_client.command import output
from continuo_client.command.connection import connect
from continuo_client.command.outcomes import ExitStatus

LOOK_EVERY_SECONDS = 0.5
"""Seconds between two looks at the log of a job that is followed."""


def show_logs(args: Namespace) -> ExitStatus:
    """Print what a job has logged."""
    client = connect(args)
    found = read_log(client, args, 0)
    print_log(args, found)
    end = time.monotonic() + args.wait
    while args.follow and not found["ended"] and time.monotonic() < end:
        time.sleep(LOOK_EVERY_SECONDS)
        found = read_log(client, args, found["next"])
        print_log(args, found)
    if args.follow and found["ended"]:
        time.sleep(LOOK_EVERY_SECONDS)  # the last lines of a job arrive after its end
        print_log(args, read_log(client, args, found["next"]))
    return ExitStatus.SUCCESS


def read_log(client: Client, args: Namespace, after: int) -> Any:
    """The lines after a place, as the API answers them."""
    choice = {"attempt": args.attempt, "level": args.level, "after": after}
    return client.call("GET", f"/tasks/{quote(args.id, safe='')}/logs", **choice)


def print_log(args: Namespace, found: Any) -> None:
    """Print lines for people, or the answer for programs unless it says nothing."""
    if not args.as_json:
        output.print_lines(map(format_line, found["lines"]))
    elif found["lines"] or not args.follow:
        output.print_json(found)


def format_line(line: Any) -> str:
    """A line such as ``12:00:01 INFO shop.orders: 3 items``."""
    about = f"{line['level'].upper()} {line['logger']}".strip()
    return f"{output.format_time(line['at'])} {about}: {line['message']}"
