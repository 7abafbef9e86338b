"""The commands: each asks the API, prints the answer, and returns the exit status."""

from argparse import Namespace
from http import HTTPStatus
from pathlib import Path
from typing import Any

from project.cli import output
from project.cli.client import ApiClient
from project.cli.fields import parse_fields, read_body
from project.cli.new_kind import write_kind
from project.cli.outcomes import ApiRefused, ExitStatus, WrongUsage, exit_status_of
from project.cli.watching import follow_job, wait_until_final
from project.records.record import TaskStatus
from project.settings.client import read_api_key, read_api_url

SHIPPED_PATHS = {
    "report": "/reports",
    "export": "/exports",
    "email_blast": "/emails",
    "webhook": "/webhooks",
}
QUEUE_COLUMNS = ("name", "waiting", "running", "paused", "oldest", "workers")


def connect(args: Namespace) -> ApiClient:
    """The client for the URL and the key of this call."""
    return ApiClient(args.url or read_api_url(), args.key or read_api_key())


def order(args: Namespace) -> ExitStatus:
    """Order a job, and wait for its end if asked to."""
    body = parse_fields(args.fields, read_body(args.file) if args.file else {})
    client = connect(args)
    record = client.post(find_path(client, args.kind), body=body)
    if args.wait:
        record = wait_until_final(client, record, args.wait)
    print_record(args, record)
    return exit_status_of(record) if args.wait else ExitStatus.SUCCESS


def find_path(client: ApiClient, kind: str) -> str:
    """The path where a kind is ordered. Raises ``WrongUsage`` for an unknown kind."""
    if kind in SHIPPED_PATHS:
        return SHIPPED_PATHS[kind]
    paths = {each["kind"]: each["path"] for each in client.get("/kinds")["kinds"]}
    if kind not in paths:
        known = ", ".join(sorted(SHIPPED_PATHS | paths))
        raise WrongUsage(f"there is no kind {kind!r} to order; there are: {known}")
    path: str = paths[kind]
    return path


def show(args: Namespace) -> ExitStatus:
    """Show the record of a job."""
    print_record(args, connect(args).get("/tasks", args.id))
    return ExitStatus.SUCCESS


def follow(args: Namespace) -> ExitStatus:
    """Print each change of a job until it is final, then its record."""
    changes = follow_job(connect(args), args.id, args.wait)
    last = ""
    while True:
        try:
            line = output.format_change(next(changes))
        except StopIteration as end:
            record: dict[str, Any] = end.value
            break
        if line != last and not args.as_json:
            output.print_lines([line])
        last = line
    print_record(args, record)
    return exit_status_of(record)


def list_jobs(args: Namespace) -> ExitStatus:
    """List jobs, newest first."""
    names = ("kind", "status", "tag", "limit")
    found = connect(args).get("/tasks", query={name: getattr(args, name) for name in names})
    rows = [
        (
            each["id"],
            each["kind"],
            each["status"],
            f"{each['attempts']}/{each['max_retries']}",
            output.format_time(each["created_at"]),
            each["tags"],
        )
        for each in found["tasks"]
    ]
    print_rows(args, found, ("id", "kind", "status", "attempts", "ordered", "tags"), rows)
    return ExitStatus.SUCCESS


def retry(args: Namespace) -> ExitStatus:
    """Rerun a failed or cancelled job."""
    print_record(args, connect(args).post("/tasks", args.id, "retry"))
    return ExitStatus.SUCCESS


def cancel(args: Namespace) -> ExitStatus:
    """Cancel a job; one that is cancelled already stays so."""
    try:
        record = connect(args).post("/tasks", args.id, "cancel")
    except ApiRefused as refused:
        record = refused.problem.get("task", {})
        is_conflict = refused.problem.get("status") == HTTPStatus.CONFLICT
        if not (is_conflict and record.get("status") == TaskStatus.CANCELLED):
            raise
    print_record(args, record)
    return ExitStatus.SUCCESS


def list_queues(args: Namespace) -> ExitStatus:
    """List the queues."""
    found = connect(args).get("/queues")
    print_queues(args, found, found["queues"])
    return ExitStatus.SUCCESS


def pause(args: Namespace) -> ExitStatus:
    """Pause a queue."""
    return change_queue(args, "pause")


def resume(args: Namespace) -> ExitStatus:
    """Resume a queue."""
    return change_queue(args, "resume")


def change_queue(args: Namespace, change: str) -> ExitStatus:
    """Pause or resume a queue, and print it."""
    queue = connect(args).post("/queues", args.queue, change)
    print_queues(args, queue, [queue])
    return ExitStatus.SUCCESS


def list_workers(args: Namespace) -> ExitStatus:
    """List the live workers."""
    found = connect(args).get("/workers")
    rows = [
        (
            each["host"],
            each["pid"],
            f"{len(each['jobs'])}/{each['slots']}",
            output.format_time(each["started_at"]),
            each["queues"],
        )
        for each in found["workers"]
    ]
    print_rows(args, found, ("host", "pid", "jobs", "started", "queues"), rows)
    return ExitStatus.SUCCESS


def new_kind(args: Namespace) -> ExitStatus:
    """Write a module with a typed kind, and its test, into the current folder."""
    paths = [str(path) for path in write_kind(args.name, Path())]
    if args.as_json:
        output.print_json({"files": paths})
    else:
        output.print_lines(
            [
                *(f"wrote {path}" for path in paths),
                f"Start it: PYTHONPATH={Path.cwd()} CONTINUO_TASKS={args.name} make up",
            ]
        )
    return ExitStatus.SUCCESS


def print_record(args: Namespace, record: dict[str, Any]) -> None:
    """Print a record, for people or for programs."""
    if args.as_json:
        output.print_json(record)
    else:
        output.print_lines(output.format_record(record))


def print_queues(args: Namespace, document: Any, queues: list[dict[str, Any]]) -> None:
    """Print queues, for people or for programs."""
    rows = [
        [
            f"{queue[name]:.0f} s" if name == "oldest" and queue[name] is not None else queue[name]
            for name in QUEUE_COLUMNS
        ]
        for queue in queues
    ]
    print_rows(args, document, QUEUE_COLUMNS, rows)


def print_rows(args: Namespace, document: Any, head: tuple[str, ...], rows: list[Any]) -> None:
    """Print the document for programs, or the rows for people."""
    if args.as_json:
        output.print_json(document)
    else:
        output.print_lines(output.format_table(head, rows))
