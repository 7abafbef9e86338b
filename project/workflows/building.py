"""``workflow("name").add("a", make_invoice, order=...)``: workflows in Python."""

from collections.abc import Sequence
from typing import Any, Self

from project.errors import InvalidField
from project.job.task import Job
from project.payload.conversion import to_json
from project.payload.references import FROM
from project.records.workflow import OnFailure
from project.store.commands.workflows import CreateResult
from project.workflows.calls import NodeCall
from project.workflows.plans import dump_calls


class Building:
    """A workflow that is being built; ``submit`` orders it.

    ::

        made = (
            workflow("invoices")
            .add("customers", list_customers, month="2026-11")
            .add("pdf", make_pdf, for_each=result_of("customers"), customer=item())
            .add("summary", summarize, files=result_of("pdf"), on_failure="continue")
            .submit()
        )
    """

    def __init__(
        self, name: str, *, deadline: float | None = None, callback_url: str | None = None
    ) -> None:
        self.name = name
        self.deadline = deadline
        self.callback_url = callback_url
        self.calls = list[NodeCall]()

    def add(
        self,
        id: str,  # noqa: A002 - as in an order over HTTP
        task: Any,
        *,
        after: Sequence[str] = (),
        on_failure: OnFailure = "stop",
        for_each: Any = None,
        options: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> Self:
        """Add a node: a call of a task with arguments by name; ``result_of`` is one of them.

        ``options`` are those of ``apply_async``. The whole is checked by ``submit``.
        """
        if not isinstance(task, Job):
            raise InvalidField(id, f"{task!r:.100} is not a task")
        plain = {name: to_json(value) for name, value in kwargs.items()}
        call = NodeCall(id, task, plain, options or {}, after, on_failure, for_each)
        self.calls.append(call)
        return self

    def submit(self, tenant: str = "") -> CreateResult:
        """Check and make the workflow. Raises ``InvalidField`` and ``StoreUnavailable``."""
        if not self.calls:
            raise InvalidField("nodes", "a workflow has at least one node")
        book = self.calls[0].task.app.workflows.of(tenant)
        made: CreateResult = book.submit(
            self.name, self.calls, deadline=self.deadline, callback_url=self.callback_url
        )
        return made

    def dump(self) -> dict[str, Any]:
        """The arguments of a job of the kind ``workflow``, which a schedule can have."""
        about = {"deadline": self.deadline, "callback_url": self.callback_url}
        return {"name": self.name, "nodes": dump_calls(self.calls), **about}


def workflow(name: str, **options: Any) -> Building:
    """Begin a workflow; ``options`` are ``deadline`` (seconds) and ``callback_url``."""
    return Building(name, **options)


def result_of(node: str, path: str = "") -> Any:
    """What another node returns, or a part of it: ``result_of("a", "rows.0")``."""
    return {FROM: f"{node}.result.{path}" if path else f"{node}.result"}


def item(path: str = "") -> Any:
    """The row of a fan-out, or a part of it."""
    return {FROM: f"item.{path}" if path else "item"}
