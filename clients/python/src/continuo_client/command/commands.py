"""The commands: each asks the API, prints the answer, and returns the exit status."""

from argparse import Namespace
from pathlib import Path
from typing import Any

from continuo_client.command import output
from continuo_client.command.connection import connect
from continuo_client.command.fields import parse_fields, read_body
from continuo_client.command.new_kind import write_kind
from continuo_client.command.outcomes import ExitStatus, exit_status_of
from continuo_client.errors import NotFinished
from continuo_client.records import Queue, Record, Worker

QUEUE_COLUMNS = ("name", "waiting", "running", "paused", "oldest", "workers")
WORKER_COLUMNS = ("host", "pid", "jobs", "started", "queues")


def order(args: Namespace) -> ExitStatus:
    """Order a job, and wait for its end if asked to."""
    body = parse_fields(args.fields, read_body(args.file) if args.file else {})
    client = connect(args)
    record = client.order(args.kind, body)
    if args.wait:
        try:
            record = client.wait(record, args.wait)
        except NotFinished as stopped:
            record = stopped.record
    print_record(args, record)
    return exit_status_of(record) if args.wait else ExitStatus.SUCCESS


def show(args: Namespace) -> ExitStatus:
    """Show the record of a job."""
    print_record(args, connect(args).get(args.id))
    return ExitStatus.SUCCESS


def follow(args: Namespace) -> ExitStatus:
    """Print each change of a job until it is final, then its record."""
    client, last = connect(args), ""
    for event in client.follow(args.id, args.wait):
        line = output.format_change(event.data)
        if line != last and not args.as_json:
            output.print_lines([line])
        last = line
    record = client.get(args.id)
    print_record(args, record)
    return exit_status_of(record)


def list_jobs(args: Namespace) -> ExitStatus:
    """List jobs, newest first."""
    names = ("kind", "status", "tag", "limit")
    found = connect(args).call("GET", "/tasks", **{name: getattr(args, name) for name in names})
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


def signal(args: Namespace) -> ExitStatus:
    """Send a signal to a job, which goes on if it waits for one of this name."""
    value: Any = parse_fields(args.fields, read_body(args.file) if args.file else {}) or None
    sent = connect(args).signal(args.id, args.name, value)
    if args.as_json:
        output.print_json(sent)
    else:
        output.print_lines([f"{sent['name']}: {sent['result']}"])
    return ExitStatus.SUCCESS


def retry(args: Namespace) -> ExitStatus:
    """Rerun a failed or cancelled job."""
    print_record(args, connect(args).retry(args.id))
    return ExitStatus.SUCCESS


def cancel(args: Namespace) -> ExitStatus:
    """Cancel a job; one that is cancelled already stays so."""
    print_record(args, connect(args).cancel(args.id))
    return ExitStatus.SUCCESS


def list_queues(args: Namespace) -> ExitStatus:
    """List the queues."""
    found = connect(args).call("GET", "/queues")
    print_queues(args, found, found["queues"])
    return ExitStatus.SUCCESS


def pause(args: Namespace) -> ExitStatus:
    """Pause a queue."""
    queue = connect(args).pause_queue(args.queue)
    print_queues(args, queue, [queue])
    return ExitStatus.SUCCESS


def resume(args: Namespace) -> ExitStatus:
    """Resume a queue."""
    queue = connect(args).resume_queue(args.queue)
    print_queues(args, queue, [queue])
    return ExitStatus.SUCCESS


def list_workers(args: Namespace) -> ExitStatus:
    """List the live workers."""
    found = connect(args).call("GET", "/workers")
    rows = [build_worker_row(each) for each in found["workers"]]
    print_rows(args, found, WORKER_COLUMNS, rows)
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


def print_record(args: Namespace, record: Record[Any]) -> None:
    """Print a record, for people or for programs."""
    if args.as_json:
        output.print_json(record)
    else:
        output.print_lines(output.format_record(record))


def print_queues(args: Namespace, document: Any, queues: list[Queue]) -> None:
    """Print queues, for people or for programs."""
    print_rows(args, document, QUEUE_COLUMNS, [build_queue_row(each) for each in queues])


def build_queue_row(queue: Queue) -> list[Any]:
    """The cells about a queue."""
    oldest = None if queue["oldest"] is None else f"{queue['oldest']:.0f} s"
    row = (queue["name"], queue["waiting"], queue["running"], queue["paused"], oldest)
    return [*row, queue["workers"]]


def build_worker_row(worker: Worker) -> list[Any]:
    """The cells about a worker."""
    return [
        worker["host"],
        worker["pid"],
        f"{len(worker['jobs'])}/{worker['slots']}",
        output.format_time(worker["started_at"]),
        worker["queues"],
    ]


def print_rows(args: Namespace, document: Any, head: tuple[str, ...], rows: list[Any]) -> None:
    """Print the document for programs, or the rows for people."""
    if args.as_json:
        output.print_json(document)
    else:
        output.print_lines(output.format_table(head, rows))
