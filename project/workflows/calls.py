"""Nodes as they are called: each a kind with its arguments."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from project.job.task import Job
from project.records.workflow import OnFailure


class NodeCall(NamedTuple):
    """A node as it is ordered: its kind, its arguments by name, and options of ``apply_async``."""

    id: str
    task: Job
    kwargs: Mapping[str, Any]
    options: Mapping[str, Any] = {}
    after: Sequence[str] = ()
    on_failure: OnFailure = "stop"
    each: Any = None
