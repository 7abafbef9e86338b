"""The place of a job in a canvas of Celery: what it is part of, and which jobs come after it."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from project.messages.encoding import encode
from project.store.commands.message import CanvasPart

MAX_PLANNED = 1_000
"""Jobs after one that its record names."""

type Step = Mapping[str, Any]
"""A signature of Celery, as a dictionary."""

type Plan = dict[str, tuple[str, list[str]]]
"""The id of a job -> its kind, and the ids of those that come next; the kind of the first is ""."""


def find_part(job_id: str, headers: Mapping[str, Any], embedded: Mapping[str, Any]) -> CanvasPart:
    """The place of a job by the headers and the embedded canvas of its message."""
    root = headers.get("root_id") or ""
    chain, chord = embedded.get("chain") or [], embedded.get("chord")
    has_followers = bool(chain or chord or embedded.get("callbacks"))
    last = (chain[0].get("options") or {}) if chain else {}
    group = headers.get("group") or last.get("group_id") or ""
    is_root = root in ("", job_id)
    steps = list(reversed(chain))
    return CanvasPart(
        root="" if is_root else root,
        begins=group or (job_id if has_followers else ""),
        plan=write_plan(job_id, steps if is_root else steps[:1], chord),
    )


def write_plan(job_id: str, chain: Sequence[Step], chord: Step | None) -> str:
    """What comes after a job as JSON: rows of id, kind and ids of the next; "" for nothing."""
    if not chain and not chord:
        return ""
    plan: Plan = {job_id: ("", [])}
    follow_all(plan, [job_id], chain)
    if chord:
        join(plan, [job_id], add(plan, chord)[0])
    rows = [(name, *after) for name, after in plan.items()]
    return encode(rows[:MAX_PLANNED])


def follow_all(plan: Plan, tails: Sequence[str], steps: Iterable[Step]) -> Sequence[str]:
    """Add steps, each after the one before; the ids of the last."""
    for step in steps:
        heads, next_tails = add(plan, step)
        join(plan, tails, heads)
        tails = next_tails or tails
    return tails


def add(plan: Plan, step: Step) -> tuple[Sequence[str], Sequence[str]]:
    """Add a step with all that is in it; the ids of its first and of its last jobs."""
    kwargs, options = step.get("kwargs") or {}, step.get("options") or {}
    match step.get("subtask_type"):
        case "chain":
            first, *others = list_tasks(kwargs) or [{}]
            heads, tails = add(plan, first)
            return heads, follow_all(plan, tails, others)
        case "group":
            return add_beside(plan, list_tasks(kwargs))
        case "chord":
            header = kwargs.get("header") or {}
            beside = [header] if isinstance(header, Mapping) else header
            heads, tails = add_beside(plan, beside)
            body_heads, body_tails = add(plan, kwargs.get("body") or {})
            join(plan, tails, body_heads)
            return heads, body_tails
    job_id = options.get("task_id")
    if not job_id or len(plan) >= MAX_PLANNED:
        return [], []
    plan.setdefault(job_id, (step.get("task") or "", []))
    if body := options.get("chord"):
        join(plan, [job_id], add(plan, body)[0])
    return [job_id], [job_id]


def add_beside(plan: Plan, steps: Iterable[Step]) -> tuple[Sequence[str], Sequence[str]]:
    """Add steps that do not wait for each other."""
    added = [add(plan, step) for step in steps]
    return [one for heads, _ in added for one in heads], [one for _, ends in added for one in ends]


def list_tasks(kwargs: Mapping[str, Any]) -> list[Step]:
    """The steps of a chain or a group."""
    tasks = kwargs.get("tasks")
    return list(tasks) if isinstance(tasks, list | tuple) else []


def join(plan: Plan, tails: Iterable[str], heads: Sequence[str]) -> None:
    """Let all heads come after each of the tails."""
    for tail in tails:
        after = plan[tail][1]
        after.extend(head for head in heads if head not in after)
