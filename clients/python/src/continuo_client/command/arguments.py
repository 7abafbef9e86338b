"""The command line: its commands and options."""

import argparse
import math
from collections.abc import Callable, Sequence
from typing import TypeAlias, get_args

from continuo_client.calls import require_header_value, require_web_url
from continuo_client.command import commands, logs, top, workflows
from continuo_client.command.outcomes import ExitStatus
from continuo_client.records import Status
from continuo_client.version import __version__

Command: TypeAlias = Callable[[argparse.Namespace], ExitStatus]

LEVELS = ("debug", "info", "warning", "error", "critical")

MAX_FOLLOW_SECONDS = 86_400.0
SHARED = {"url": None, "key": None, "as_json": False}
"""The defaults of the options of all commands, which stand before or after the command."""

EXITS = (
    "exit status: 0 success, 1 the job failed, 2 wrong usage, 3 the job was cancelled, "
    "4 the API cannot be reached, 5 the API refused, 6 the job has not ended within the wait"
)


def parse_arguments(words: Sequence[str]) -> argparse.Namespace:
    """Parse the command line. Exits with 2 when it is wrong."""
    parser = build_parser()
    if not all(map(is_text, words)):
        parser.error("the arguments must be UTF-8")
    args, rest = parser.parse_known_args(words)
    if args.run is commands.order:
        # argparse ends the list of fields at the first option
        args.fields += [word for word in rest if is_field(word)]
        rest = [word for word in rest if not is_field(word)]
    if rest:
        parser.error(f"unknown: {' '.join(rest)}")
    return args


def is_text(word: str) -> bool:
    """Whether a word can be sent: Python keeps bytes that are not UTF-8 as halves of characters."""
    return not any("\ud800" <= character <= "\udfff" for character in word)


def is_field(word: str) -> bool:
    """Whether a word is ``name=value``, and no option."""
    return "=" in word and not word.startswith("-")


def build_parser() -> argparse.ArgumentParser:
    """Build the parser of all commands."""
    parser = argparse.ArgumentParser(
        prog="continuo",
        description="Jobs of Continuo from a shell.",
        epilog=EXITS,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"continuo {__version__}")
    add_shared_options(parser)
    parser.set_defaults(**SHARED)
    choices = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def add(name: str, run: Command, *, has_json: bool = True) -> argparse.ArgumentParser:
        text = run.__doc__
        choice = choices.add_parser(name, help=text, description=text, allow_abbrev=False)
        add_shared_options(choice, has_json=has_json)
        choice.set_defaults(run=run)
        return choice

    add_order(add("order", commands.order, has_json=False))
    for name, run in (
        ("show", commands.show),
        ("retry", commands.retry),
        ("cancel", commands.cancel),
    ):
        add(name, run).add_argument("id", metavar="ID", type=parse_name)
    add_follow(add("follow", commands.follow))
    add_logs(add("logs", logs.show_logs))
    add_signal(add("signal", commands.signal, has_json=False))
    add_list(add("list", commands.list_jobs))
    add_workflow(choices)
    add("queues", commands.list_queues)
    for name, run in (("pause", commands.pause), ("resume", commands.resume)):
        add(name, run).add_argument("queue", metavar="QUEUE", type=parse_name)
    add("workers", commands.list_workers)
    add_top(add("top", top.show_top))
    add_new(add("new", commands.new_kind))
    return parser


def add_shared_options(parser: argparse.ArgumentParser, *, has_json: bool = True) -> None:
    """Add the options of all commands; ``SHARED`` has their defaults."""
    absent = argparse.SUPPRESS
    parser.add_argument(
        "--url", type=parse_url, default=absent, help="URL of the API [CONTINUO_URL]"
    )
    parser.add_argument("--key", type=parse_key, default=absent, help="API key [CONTINUO_KEY]")
    if has_json:
        text = "print one JSON document"
        parser.add_argument(
            "--json", action="store_true", dest="as_json", default=absent, help=text
        )


def add_order(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``order``."""
    parser.add_argument("kind", metavar="KIND")
    add_fields(parser)
    add_wait(parser, 0.0, "wait for the end")


def add_signal(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``signal``."""
    parser.add_argument("id", metavar="ID", type=parse_name)
    parser.add_argument("name", metavar="SIGNAL", type=parse_name)
    add_fields(parser)


def add_fields(parser: argparse.ArgumentParser) -> None:
    """Add the fields of a body, from the command line and from a file."""
    parser.add_argument(
        "fields", metavar="NAME=VALUE", nargs="*", help="a field; OUTER.INNER=VALUE inside another"
    )
    parser.add_argument(
        "--json", metavar="FILE", dest="file", help="the body, from a file or from stdin (-)"
    )


def add_follow(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``follow``."""
    parser.add_argument("id", metavar="ID", type=parse_name)
    add_wait(parser, MAX_FOLLOW_SECONDS, "stop after about this time (default: a day)")


def add_logs(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``logs``."""
    add_follow(parser)
    parser.add_argument("--follow", action="store_true", help="print new lines until the end")
    parser.add_argument("--attempt", type=int, help="only lines of this attempt")
    parser.add_argument("--level", choices=LEVELS, help="only lines of this level and above")


def add_list(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``list``."""
    parser.add_argument("--kind")
    parser.add_argument("--status", choices=get_args(Status))
    parser.add_argument("--tag")
    parser.add_argument("--limit", type=int, help="1 to 200 (default: 50)")


def add_workflow(choices: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add ``workflow`` with its own commands."""
    text = "Order, show and steer workflows; a batch is shown as one."
    group = choices.add_parser("workflow", help=text, description=text, allow_abbrev=False)
    actions = group.add_subparsers(dest="action", required=True, metavar="ACTION")

    def add(name: str, run: Command, *, has_json: bool = True) -> argparse.ArgumentParser:
        text = run.__doc__
        action = actions.add_parser(name, help=text, description=text, allow_abbrev=False)
        add_shared_options(action, has_json=has_json)
        action.set_defaults(run=run)
        return action

    order = add("order", workflows.order, has_json=False)
    order.add_argument(
        "--json", metavar="FILE", dest="file", required=True, help="the order; - is stdin"
    )
    add_wait(order, 0.0, "wait for the end")
    add("list", workflows.list_workflows).add_argument("--limit", type=int, help="1 to 200")
    for name, run in (
        ("show", workflows.show),
        ("cancel", workflows.cancel),
        ("retry", workflows.retry),
    ):
        add(name, run).add_argument("id", metavar="ID", type=parse_name)
    wait = add("wait", workflows.wait)
    wait.add_argument("id", metavar="ID", type=parse_name)
    add_wait(wait, MAX_FOLLOW_SECONDS, "stop after this time (default: a day)")


def add_wait(parser: argparse.ArgumentParser, default: float, text: str) -> None:
    """Add the option ``--wait``."""
    parser.add_argument("--wait", metavar="SECONDS", type=parse_seconds, default=default, help=text)


def add_top(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``top``."""
    parser.add_argument("--once", action="store_true", help="print it once, and end")
    parser.add_argument(
        "--every",
        metavar="SECONDS",
        type=parse_seconds,
        default=2.0,
        help="how often it is renewed (default: 2)",
    )


def add_new(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``new``."""
    parser.add_argument("what", choices=["kind"])
    parser.add_argument("name", metavar="NAME", help="such as monthly_invoice")


def parse_seconds(text: str) -> float:
    """A number of seconds above 0."""
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds above 0")
    return seconds


def parse_name(text: str) -> str:
    """An id or a name that is not empty."""
    if not text:
        raise argparse.ArgumentTypeError("must not be empty")
    return text


def parse_url(text: str) -> str:
    """The URL of an API."""
    try:
        return require_web_url(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not http://host or https://host") from None


def parse_key(text: str) -> str:
    """An API key; the error does not repeat it."""
    try:
        return require_header_value(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
