"""The jobs of a workflow: their ids, their messages, and what of their arguments can be checked."""

from collections.abc import Mapping, Sequence
from hashlib import sha1
from typing import Any

from project.errors import InvalidField
from project.job.running.results import WORKFLOW_HEADER
from project.messages.encoding import encode
from project.payload.payload import CheckedArguments, Payload, build_struct, convert_all
from project.payload.references import has_references
from project.store.commands.message import ID_PLACEHOLDER, Message
from project.store.commands.workflows import StagedNode
from project.workflows.calls import NodeCall
from project.workflows.fits import check_fits
from project.workflows.graph import GraphNode, PlacedNode, order_graph

ITEM_PLACEHOLDER = "@item@"
"""Stands for the number of the row in the message of a fan-out."""

_HEADERS = '"headers":{'

REFUSED_OPTIONS = {
    "unique": "the id of a node follows from its workflow",
    "task_id": "the id of a node follows from its workflow",
}


def build_node_id(workflow_id: str, node: str) -> str:
    """The id of the job of a node, ``a``, or of a row, ``a[0]``; as ``lib/workflow.lua`` has it."""
    text = sha1(f"{workflow_id}\n{node}".encode(), usedforsecurity=False).hexdigest()
    return f"{text[:8]}-{text[8:12]}-5{text[13:16]}-8{text[17:20]}-{text[20:32]}"


def build_nodes(workflow_id: str, calls: Sequence[NodeCall], tenant: str = "") -> list[StagedNode]:
    """The nodes of a workflow, checked, each after those that it waits for.

    Raises ``InvalidField``.
    """
    graph = [
        GraphNode(call.id, call.kwargs, call.after, call.on_failure, call.each) for call in calls
    ]
    ordered = order_graph(graph)
    check_fits(calls)
    return [build_node(workflow_id, calls[placed.place], placed, tenant) for placed in ordered]


def build_node(workflow_id: str, call: NodeCall, placed: PlacedNode, tenant: str) -> StagedNode:
    """A node as it is stored. Raises ``InvalidField``."""
    each = placed.each.to_text() if placed.each else ""
    try:
        message = build_message(workflow_id, call, each)
    except InvalidField as problem:
        raise InvalidField(f"nodes[{placed.place}].{problem.field}", problem.problem) from None
    except TypeError as problem:  # the call does not fit the function
        raise InvalidField(f"nodes[{placed.place}].payload", str(problem)) from None
    owned = message.owned_by(tenant) if tenant else message
    waits = len(placed.parents)
    return StagedNode(call.id, owned, call.on_failure, placed.children, waits, each)


def build_message(workflow_id: str, call: NodeCall, each: str) -> Message:
    """The message of a node, or the pattern of those of its rows. Raises ``InvalidField``."""
    for name, problem in REFUSED_OPTIONS.items():
        if name in call.options:
            raise InvalidField(name, f"is not an option of a node: {problem}")
    kwargs = dict(call.kwargs)
    refers = has_references(kwargs)
    if call.task.payload and refers:
        check_known(call.task.payload, kwargs)
        kwargs = CheckedArguments(kwargs)
    job_id = ID_PLACEHOLDER if each else build_node_id(workflow_id, call.id)
    message = call.task.message((), kwargs, task_id=job_id, **call.options)
    if not refers and not each:
        return message._replace(unique=None)
    place = {"id": workflow_id, "node": f"{call.id}[{ITEM_PLACEHOLDER}]" if each else call.id}
    header = encode({WORKFLOW_HEADER: place | ({"each": each} if each else {})})
    text = message.text.replace(_HEADERS, f"{_HEADERS}{header[1:-1]},", 1)
    return message._replace(unique=None, text=text)


def build_hook(call: NodeCall, tenant: str) -> Message:
    """The message of a job that is made at the end of a batch. Raises ``InvalidField``."""
    message: Message = call.task.message(
        (), dict(call.kwargs), task_id=ID_PLACEHOLDER, tenant=tenant, **call.options
    )
    return message._replace(unique=None)


def check_known(payload: Payload, kwargs: Mapping[str, Any]) -> None:
    """Check the fields of a call that have no references. Raises ``InvalidField``."""
    fields, values = payload.parameters, kwargs
    wrapped = kwargs.get(payload.wrapper) if payload.wrapper else None
    if isinstance(wrapped, dict) and "$from" not in wrapped:
        fields, values = payload.fields, wrapped
    open_names = {each for each, value in values.items() if has_references(value)}
    known = [field for field in fields if field.encode_name not in open_names]
    allowed = {field.encode_name for field in fields}
    if unknown := sorted(open_names - allowed):
        raise InvalidField(f"payload.{unknown[0]}", "is not a field of this kind")
    closed = {each: value for each, value in values.items() if each not in open_names}
    convert_all(closed, build_struct("Known", known), "payload")
