"""Whether results of nodes fit where they are put, as far as the types of the kinds say it."""

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any

from msgspec import inspect as shapes

from project.errors import InvalidField
from project.payload.payload import Payload
from project.payload.references import FROM, ITEM, Reference, has_references, parse_reference
from project.payload.shapes import ANY, Misfit, find_item, follow, name_kinds, require_fit
from project.workflows.calls import NodeCall

type Path = tuple[str, ...]


def check_fits(calls: Sequence[NodeCall]) -> None:
    """Raise ``InvalidField`` for a result that never fits where it is put, and for no such part."""
    results = {call.id: find_result(call) for call in calls}
    for place, call in enumerate(calls):
        if call.each is not None or has_references(call.kwargs):
            check_node(call, f"nodes[{place}]", results)


def check_node(call: NodeCall, field: str, results: Mapping[str, shapes.Type]) -> None:
    """The same for the references of a node."""
    row: shapes.Type = ANY
    if call.each is not None:
        row = find_row(parse_reference(call.each[FROM], f"{field}.for_each"), field, results)
    wanted = find_shape(call.task.payload) if call.task.payload else ANY
    for path, reference in find_places(call.kwargs):
        where = f"{field}.payload.{format_path(path, call.task.payload)}"
        given = row if reference.node == ITEM else results[reference.node]
        part = find_part(given, reference, where)
        try:
            require_fit(part, find_wanted(wanted, path))
        except Misfit as misfit:
            raise InvalidField(where, f"{name_part(reference)} {misfit}") from None


def find_part(shape: shapes.Type, reference: Reference, field: str) -> shapes.Type:
    """The type of what a reference names. Raises ``InvalidField`` when there is no such part."""
    try:
        return follow(shape, reference.path)
    except Misfit as misfit:
        raise InvalidField(field, f"{name_whole(reference)} {misfit}") from None


def find_row(each: Reference, field: str, results: Mapping[str, shapes.Type]) -> shapes.Type:
    """The type of the rows of a fan-out. Raises ``InvalidField`` for what is never a list."""
    rows = find_part(results[each.node], each, f"{field}.for_each")
    kinds = name_kinds(rows)
    if kinds is not None and "a list" not in kinds:
        problem = f"{name_part(each)} is {' or '.join(sorted(kinds))}, a fan-out takes a list"
        raise InvalidField(f"{field}.for_each", problem)
    return find_item(rows)


def find_result(call: NodeCall) -> shapes.Type:
    """The type of what a node returns: of a fan-out, the list of what its rows return."""
    result = find_result_shape(call.task.payload) if call.task.payload else ANY
    if call.each is None:
        return result
    return shapes.ListType(result)


@cache
def find_shape(payload: Payload) -> shapes.Type:
    """The type of the arguments of a kind."""
    return shapes.type_info(payload.shape)


@cache
def find_result_shape(payload: Payload) -> shapes.Type:
    """The type of the result of a kind; any, for one that JSON does not have."""
    try:
        return shapes.type_info(payload.result)
    except TypeError:
        return ANY


def find_wanted(shape: shapes.Type, path: Path) -> shapes.Type:
    """The type of a place in the arguments; any, when the kind does not say it."""
    try:
        return follow(shape, path)
    except Misfit:
        return ANY


def find_places(value: Any, path: Path = ()) -> Iterator[tuple[Path, Reference]]:
    """Each reference in a JSON value with its place."""
    if isinstance(value, Mapping):
        if FROM in value:
            yield path, parse_reference(value[FROM], FROM)
            return
        for name, item in value.items():
            yield from find_places(item, (*path, str(name)))
    elif isinstance(value, list | tuple):
        for place, item in enumerate(value):
            yield from find_places(item, (*path, str(place)))


def format_path(path: Path, payload: Payload | None) -> str:
    """A place in the payload as an error names it, without the argument that wraps the payload."""
    inner = path[1:] if payload and payload.wrapper and len(path) > 1 else path
    return "".join(f"[{step}]" if step.isdigit() else f".{step}" for step in inner).lstrip(".")


def name_whole(reference: Reference) -> str:
    """The result of a node, or a row, in words."""
    return "the row" if reference.node == ITEM else f"the result of {reference.node!r}"


def name_part(reference: Reference) -> str:
    """The part that a reference names, in words."""
    return name_whole(reference) + (f" at {'.'.join(reference.path)}" if reference.path else "")
