"""``continuo workflow``: orders, shows and steers workflows. A batch is shown as one."""

from argparse import Namespace
from typing import Any

from continuo_client.command import output
from continuo_client.command.commands import print_rows
from continuo_client.command.connection import connect
from continuo_client.command.fields import read_body
from continuo_client.command.outcomes import JOB_EXITS, ExitStatus, WrongUsage
from continuo_client.errors import NotFinished
from continuo_client.workflow_records import NodeRecord, ShownWorkflow, WorkflowRecord

WORKFLOW_COLUMNS = ("id", "name", "status", "ended", "ordered")
NODE_COLUMNS = ("node", "kind", "status", "rows", "job", "error")
MAX_SHOWN_NODES = 500
OPTIONS = {"deadline", "callback_url"}
FIELDS = ("name", "nodes", *sorted(OPTIONS))


def order(args: Namespace) -> ExitStatus:
    """Order a workflow, and wait for its end if asked to."""
    body = dict(read_body(args.file))
    try:
        name, nodes = body.pop("name"), body.pop("nodes")
    except KeyError as missing:
        raise WrongUsage(f"--json {args.file}: {missing.args[0]} is missing") from None
    if unknown := sorted(body.keys() - OPTIONS):
        raise WrongUsage(f"--json {args.file}: {unknown[0]} is not one of {', '.join(FIELDS)}")
    workflow = connect(args).workflows.order(name, nodes, **body)
    args.id = workflow["id"]
    if args.wait:
        return wait(args)
    return show(args)


def list_workflows(args: Namespace) -> ExitStatus:
    """List workflows and batches, newest first."""
    found = connect(args).call("GET", "/workflows", limit=args.limit)
    rows = [build_row(each) for each in found["workflows"]]
    print_rows(args, found, WORKFLOW_COLUMNS, rows)
    return ExitStatus.SUCCESS


def show(args: Namespace) -> ExitStatus:
    """Show a workflow and its nodes."""
    print_workflow(args, read(args))
    return ExitStatus.SUCCESS


def wait(args: Namespace) -> ExitStatus:
    """Wait for the end of a workflow."""
    try:
        connect(args).workflows.wait(args.id, args.wait)
    except NotFinished:
        print_workflow(args, read(args))
        return ExitStatus.UNFINISHED
    shown = read(args)
    print_workflow(args, shown)
    return JOB_EXITS.get(shown["status"], ExitStatus.UNFINISHED)


def cancel(args: Namespace) -> ExitStatus:
    """Cancel a workflow; one that is cancelled already stays so."""
    connect(args).workflows.cancel(args.id)
    return show(args)


def retry(args: Namespace) -> ExitStatus:
    """Run again what failed in a workflow; the rest of it goes on then."""
    connect(args).workflows.retry(args.id)
    return show(args)


def read(args: Namespace) -> ShownWorkflow:
    """The workflow that the command line names."""
    return connect(args).workflows.get(args.id, limit=MAX_SHOWN_NODES)


def build_row(workflow: WorkflowRecord) -> list[Any]:
    """The cells about a workflow."""
    counts, ordered = workflow["nodes"], output.format_time(workflow["created_at"])
    ended = f"{counts['ended']}/{counts['total']}"
    return [workflow["id"], workflow["name"], workflow["status"], ended, ordered]


def build_node_row(node: NodeRecord) -> list[Any]:
    """The cells about a node."""
    rows = node["rows"] and f"{node['rows']['ended']}/{node['rows']['total']}"
    error = node["error"].rstrip().rpartition("\n")[2]
    return [node["id"], node["kind"], node["status"], rows, node["task"], error]


def print_workflow(args: Namespace, workflow: ShownWorkflow) -> None:
    """Print a workflow, for people or for programs."""
    if args.as_json:
        output.print_json(workflow)
        return
    output.print_lines(output.format_table(WORKFLOW_COLUMNS, [build_row(workflow)]))
    nodes = [build_node_row(each) for each in workflow["page"]]
    output.print_lines(["", *output.format_table(NODE_COLUMNS, nodes)])
