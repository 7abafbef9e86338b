"""The graph of a canvas: the nodes and edges that its records tell of."""

from collections.abc import Iterable, Mapping, Sequence
from graphlib import TopologicalSorter

from msgspec import structs

from project.records.workflow import NodeStatus, WorkflowNode
from project.store.commands.canvas import CanvasJob, build_node

type Edges = dict[str, dict[str, None]]
"""The id of a job -> the ids of those that wait for it, in order."""


def build_graph(jobs: Iterable[CanvasJob]) -> list[WorkflowNode]:
    """The nodes of a canvas, each after those that it waits for, with what is still to be sent."""
    jobs = list(jobs)
    nodes = {job.node.id: job.node for job in jobs}
    after: Edges = {}
    for job in jobs:
        for planned in job.plan:
            blocked = build_node(planned.id, planned.kind, NodeStatus.BLOCKED)
            nodes.setdefault(planned.id, blocked)
            add_edges(after, planned.id, planned.before)
    waiting = {child for children in after.values() for child in children}
    for job in jobs:
        if job.parent in nodes and job.node.id not in waiting:
            add_edges(after, job.parent, [job.node.id])
    edges = {name: [child for child in after.get(name, ()) if child in nodes] for name in nodes}
    return [structs.replace(nodes[name], before=edges[name]) for name in sort(edges)]


def add_edges(after: Edges, job_id: str, children: Iterable[str]) -> None:
    """Let these wait for a job, but for those that it waits for itself."""
    for child in children:
        if not reaches(after, child, job_id):
            after.setdefault(job_id, {})[child] = None


def reaches(after: Edges, start: str, end: str) -> bool:
    """Whether there is a way along the edges from one job to another."""
    stack, seen = [start], {start}
    while stack:
        current = stack.pop()
        if current == end:
            return True
        new = [child for child in after.get(current, ()) if child not in seen]
        seen.update(new)
        stack += new
    return False


def sort(edges: Mapping[str, Sequence[str]]) -> list[str]:
    """The jobs, each after those that it waits for; else in the order given."""
    sorter = TopologicalSorter[str](dict.fromkeys(edges, ()))
    for name, children in edges.items():
        for child in children:
            sorter.add(child, name)
    return list(sorter.static_order())
