"""The graph of a workflow, checked before anything of it is made. Pure."""

from collections.abc import Mapping, Sequence
from graphlib import CycleError, TopologicalSorter
from typing import Any, NamedTuple

from project.errors import InvalidField
from project.payload.references import (
    IS_NAME,
    ITEM,
    MAX_NAME_CHARACTERS,
    Reference,
    find_references,
)
from project.records.workflow import MAX_NODES, OnFailure

MAX_EDGES = 50_000


class GraphNode(NamedTuple):
    """A node as it is ordered: ``payload`` may have references, ``each`` is that of a fan-out."""

    id: str
    payload: Any
    after: Sequence[str] = ()
    on_failure: OnFailure = "stop"
    each: Any = None


class PlacedNode(NamedTuple):
    """A node in its graph: ``parents`` are those that it waits for, ``children`` wait for it."""

    node: GraphNode
    place: int
    parents: tuple[str, ...]
    children: tuple[str, ...]
    each: Reference | None
    references: Mapping[str, Reference]


def order_graph(nodes: Sequence[GraphNode]) -> list[PlacedNode]:
    """The nodes, each after those that it waits for; ``place`` is that in the order.

    Raises ``InvalidField`` for a name that is none or stands twice, an unknown one, and a cycle.
    """
    if not 0 < len(nodes) <= MAX_NODES:
        raise InvalidField("nodes", f"{len(nodes)} given, 1 to {MAX_NODES:,} are allowed")
    places = dict[str, int]()
    for place, node in enumerate(nodes):
        check_name(node.id, f"nodes[{place}].id")
        if node.id in places:
            raise InvalidField(f"nodes[{place}].id", f"{node.id!r} is the id of another node")
        places[node.id] = place
    found = [find_parents(node, f"nodes[{place}]", places) for place, node in enumerate(nodes)]
    if sum(len(parents) for parents, _, _ in found) > MAX_EDGES:
        raise InvalidField("nodes", f"wait for each other more than {MAX_EDGES:,} times")
    children: dict[str, list[str]] = {node.id: [] for node in nodes}
    for node, (parents, _, _) in zip(nodes, found, strict=True):
        for parent in parents:
            children[parent].append(node.id)
    graph = {node.id: parents for node, (parents, _, _) in zip(nodes, found, strict=True)}
    placed = {
        node.id: PlacedNode(node, place, parents, tuple(children[node.id]), each, references)
        for place, (node, (parents, each, references)) in enumerate(zip(nodes, found, strict=True))
    }
    return [placed[name] for name in sort_graph(graph, places)]


def check_name(name: Any, field: str) -> None:
    """Raise ``InvalidField`` unless this is a name of a node."""
    if not isinstance(name, str) or not IS_NAME(name) or name == ITEM:
        problem = f"must be 1 to {MAX_NAME_CHARACTERS} letters, digits, _ or -, and not {ITEM!r}"
        raise InvalidField(field, problem)


def find_parents(
    node: GraphNode, field: str, places: Mapping[str, int]
) -> tuple[tuple[str, ...], Reference | None, dict[str, Reference]]:
    """The nodes that one waits for, its fan-out, and its references by their places."""
    parents = dict.fromkeys(node.after)
    for at, name in enumerate(node.after):
        require_node(name, f"{field}.after[{at}]", places)
    each = None
    if node.each is not None:
        (each,) = [one for _, one in find_references(node.each, f"{field}.for_each")] or (None,)
        if each is None or each.node == ITEM:
            allowed = '{"$from": "node.result.rows"}'
            raise InvalidField(f"{field}.for_each", f"must be {allowed}")
        require_node(each.node, f"{field}.for_each", places)
        parents[each.node] = None
    references = dict(find_references(node.payload, f"{field}.payload"))
    for where, reference in references.items():
        if reference.node != ITEM:
            require_node(reference.node, where, places)
            parents[reference.node] = None
        elif each is None:
            raise InvalidField(where, f"refers to {ITEM!r}, and the node has no for_each")
    return tuple(parents), each, references


def require_node(name: Any, field: str, places: Mapping[str, int]) -> None:
    """Raise ``InvalidField`` for what is the id of no node."""
    if not isinstance(name, str) or name not in places:
        raise InvalidField(field, f"{name!r:.100} is the id of no node")


def sort_graph(graph: Mapping[str, Sequence[str]], places: Mapping[str, int]) -> list[str]:
    """The nodes, each after those that it waits for. Raises ``InvalidField`` for a cycle."""
    try:
        return list(TopologicalSorter(graph).static_order())
    except CycleError as problem:
        cycle = [str(name) for name in reversed(problem.args[1])]
        shown = " -> ".join(cycle[:10]) + (" ..." if len(cycle) > 10 else "")  # noqa: PLR2004
        field = f"nodes[{places[cycle[0]]}].after"
        raise InvalidField(field, f"is a cycle: {shown}") from None
