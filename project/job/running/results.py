"""What a node of a workflow takes from those before it: read when its attempt runs."""

from collections.abc import Callable, Mapping
from copy import deepcopy
from typing import Any

from celery.app.task import Context

from project.errors import InvalidField, PermanentError
from project.messages.encoding import decode
from project.payload.payload import CheckedArguments
from project.payload.references import (
    ITEM,
    Reference,
    fill_references,
    find_references,
    has_references,
    parse_reference,
    pick_part,
)
from project.records.workflow import NodeResult
from project.store.commands import workflows

WORKFLOW_HEADER = "workflow"
"""The header of a node whose arguments have references: ``id`` of the workflow, ``node``, and of a
row ``each``, the reference to the list that it is from."""

MAX_KEPT_BYTES = 16_000_000
KEPT: dict[tuple[str, ...], dict[str, Any]] = {}
"""What the last row of a fan-out has read: the workflow and its nodes -> their results."""


def find_place(request: Context) -> Mapping[str, str] | None:
    """The place in a workflow of a job whose arguments have references; None for other jobs."""
    place: Mapping[str, str] | None = (request.headers or {}).get(WORKFLOW_HEADER)
    return place


def restore_place(text: str, each: str, kwargs: Any) -> tuple[dict[str, Any], Any]:
    """The header of a node that runs again, and its arguments, whose references are not checked.

    ``text`` is its workflow and its name, as its record has them; "" for other jobs.
    """
    if not text or not (each or has_references(kwargs)):
        return {}, kwargs
    workflow_id, _, node = text.partition(" ")
    place = {"id": workflow_id, "node": node} | ({"each": each} if each else {})
    return {WORKFLOW_HEADER: place}, CheckedArguments(kwargs)


def fill_arguments(
    run: Callable[..., Any], place: Mapping[str, str], args: Any, kwargs: Any
) -> tuple[Any, Any]:
    """The arguments of a node with the results that they refer to.

    Raises ``PermanentError`` when there is no such result.
    """
    found = [reference for _, reference in find_references([args, kwargs])]
    each = parse_reference(place["each"], "for_each") if place.get("each") else None
    names = {reference.node for reference in found} - {ITEM} | ({each.node} if each else set())
    decoded = read_decoded(run, place["id"], sorted(names), is_row=each is not None)
    row = None
    if each is not None:
        rows = pick_part(decoded[each.node], each)
        row = rows[int(place["node"].rpartition("[")[2].rstrip("]"))]

    def read(reference: Reference) -> Any:
        part = pick_part(row if reference.node == ITEM else decoded[reference.node], reference)
        return part if each is None else deepcopy(part)  # the next row gets it, too

    try:
        filled: tuple[Any, Any] = tuple(fill_references([args, kwargs], read))
    except InvalidField as problem:
        raise PermanentError(f"the node cannot run: {problem.problem}") from problem
    return filled


def read_decoded(
    run: Callable[..., Any], workflow_id: str, nodes: list[str], *, is_row: bool
) -> dict[str, Any]:
    """The results of nodes by name.

    Rows of one fan-out run one after the other, and all need the same: a process keeps what the
    last one has read, if that cannot change any more. Raises ``PermanentError``.
    """
    key = (workflow_id, *nodes)
    if is_row and (kept := KEPT.get(key)) is not None:
        return kept
    results = dict(zip(nodes, run(workflows.read_results(workflow_id, nodes)), strict=True))
    decoded = {name: decode_result(name, result) for name, result in results.items()}
    size = sum(len(text) for result in results.values() for text in result.results)
    is_settled = all(result.state == "success" for result in results.values())
    if is_row and is_settled and size <= MAX_KEPT_BYTES:
        KEPT.clear()
        KEPT[key] = decoded
    return decoded


def decode_result(name: str, result: NodeResult) -> Any:
    """The result of a node, a list for a fan-out; None for a node that failed.

    Raises ``PermanentError`` when it is no longer kept.
    """
    values = [decode(text) if text else None for text in result.results]
    if result.is_fan_out:
        return values
    if result.state == "success" and not result.results[0]:
        raise PermanentError(f"the result of the node {name!r} is no longer kept")
    return values[0]
