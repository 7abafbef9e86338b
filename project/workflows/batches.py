"""Batches: jobs that belong together, which can be added one after the other."""

from collections import Counter
from collections.abc import Mapping, Sequence
from hashlib import blake2b
from typing import Any, Self
from uuid import uuid4

from project.errors import InvalidField
from project.job.task import Job
from project.messages.encoding import encode
from project.payload.conversion import to_json
from project.store.commands import workflows
from project.store.commands.jobs import IdempotentOrder
from project.store.commands.workflows import HOOKS, CreateResult, NewWorkflow, encode_hook
from project.workflows.book import WorkflowBook, check_deadline, check_name
from project.workflows.calls import NodeCall
from project.workflows.nodes import build_hook, build_nodes

MAX_JOBS_PER_CALL = 1_000

REFUSALS = {
    -1: "there is no such batch",
    -2: "the batch is closed: only its own jobs can add more, while they run",
    -3: "a batch has at most 100,000 jobs",
}


def begin_batch(
    book: WorkflowBook,
    name: str,
    hooks: Mapping[str, NodeCall],
    *,
    deadline: float | None = None,
    callback_url: str | None = None,
    order: IdempotentOrder | None = None,
) -> CreateResult:
    """Make an open batch, unless it was ordered before.

    ``hooks`` are jobs for its end. Raises ``InvalidField``.
    """
    if unknown := sorted(hooks.keys() - set(HOOKS)):
        raise InvalidField(unknown[0], f"is not one of {', '.join(HOOKS)}")
    messages = {each: build_hook(call, book.tenant) for each, call in hooks.items()}
    new = NewWorkflow(
        id=str(uuid4()),
        name=check_name(name),
        total=0,
        tenant=book.tenant or None,
        deadline=check_deadline(deadline),
        hooks={each: encode_hook(message) for each, message in messages.items()},
        open=True,
    )
    callback = book.build_callback(callback_url) if callback_url is not None else None
    result: CreateResult = book.app.store.run(workflows.create(new, order, callback))
    return result


def name_job(order: str = "", place: int = 0) -> str:
    """The name of a job in its batch: the same for the same place of an order, else a new one."""
    if not order:
        return uuid4().hex
    return blake2b(f"{order}\n{place}".encode(), digest_size=16).hexdigest()


def add_jobs(
    book: WorkflowBook,
    batch_id: str,
    calls: Sequence[NodeCall],
    *,
    closes: bool = False,
    adder: str = "",
) -> int:
    """Add jobs to a batch; how many are new. Raises ``InvalidField``."""
    if len(calls) > MAX_JOBS_PER_CALL:
        raise InvalidField("jobs", f"{len(calls)} given, at most {MAX_JOBS_PER_CALL:,} at once")
    nodes = build_nodes(batch_id, calls, book.tenant) if calls else []
    added: int = book.app.store.run(
        workflows.add_nodes(batch_id, nodes, closes=closes, adder=adder)
    )
    if added < 0:
        raise InvalidField("batch", REFUSALS[added])
    book.start_all(batch_id)
    return added


class Batch:
    """A batch in Python, and what ``self.batch`` is in one of its jobs."""

    def __init__(self, book: WorkflowBook, batch_id: str, adder: str = "") -> None:
        self.book = book
        self.id = batch_id
        self.adder = adder
        self._added: Counter[str] = Counter()

    @classmethod
    def begin(
        cls,
        book: WorkflowBook,
        name: str,
        *,
        deadline: float | None = None,
        callback_url: str | None = None,
        **hooks: Any,
    ) -> Self:
        """Make an open batch. ``on_success=task.s(...)``, ``on_failure``, ``on_complete``."""
        calls = {
            each: NodeCall(each, call.type, dict(call.kwargs), dict(call.options))
            for each, call in hooks.items()
        }
        about = {"deadline": deadline, "callback_url": callback_url}
        return cls(book, begin_batch(book, name, calls, **about).id)  # type: ignore[arg-type]

    def add(self, task: Job, *, options: Mapping[str, Any] | None = None, **kwargs: Any) -> str:
        """Add a job, with arguments by name; its name in the batch.

        What a job of the batch has added, a later attempt of it adds no second time: the same kind
        with the same arguments, as often as the attempt adds it.
        """
        plain = {each: to_json(value) for each, value in kwargs.items()}
        name = self._name(task.name, plain) if self.adder else name_job()
        call = NodeCall(name, task, plain, options or {}, on_failure="skip")
        add_jobs(self.book, self.id, [call], adder=self.adder)
        return name

    def _name(self, kind: str, kwargs: Mapping[str, Any]) -> str:
        what = f"{self.adder}\n{kind}\n{encode(dict(sorted(kwargs.items())))}"
        self._added[what] += 1
        return name_job(what, self._added[what])

    def close(self) -> None:
        """Take no more jobs from outside; the batch ends with those that it has."""
        add_jobs(self.book, self.id, [], closes=True)
