"""What a job of one's own can say and do, from the class behind ``@app.task``."""

import ast
import inspect
import re
from collections.abc import Callable, Iterator
from typing import Any

from benchmarks.parts import table
from project.job import bulk
from project.job.bulk import enqueue_many
from project.job.result import JobResult
from project.job.task import Job
from tests.reference.prose import first_line, page, prose, sections

SENDING = ("apply_async", "aapply_async", "message")
RUNNING = ("progress", "checkpoint", "cancelled", "once", "postpone", "retry", "attempts_left")
RESULT = ("record", "cancel", "again", "fetch")


def make_options() -> str:
    """What Continuo adds to Celery's."""
    return table(("option", "default", "meaning"), options())


def make_sending() -> str:
    """How to order one or many."""
    many = f"{prose(enqueue_many.__doc__)}\n\nA step has at most {bulk.MOST_AT_ONCE:,} jobs."
    return page(
        *members(Job, SENDING), *sections(3, [(f"enqueue_many{signature(enqueue_many)}", many)])
    )


def make_results() -> str:
    """What comes back."""
    return page(*members(JobResult, RESULT))


def make_running() -> str:
    """What a job can do while it runs."""
    return page(*members(Job, RUNNING))


def options() -> Iterator[tuple[str, str, str]]:
    """Attributes of the class that are documented where they stand."""
    (body,) = ast.parse(inspect.getsource(Job)).body
    assert isinstance(body, ast.ClassDef)
    yield "`max_retries`", f"`{Job.max_retries}`", "Retries after the first attempt, as in Celery."
    for before, after in zip(body.body, body.body[1:], strict=False):
        if isinstance(before, ast.Assign) and is_text(after):
            name = ast.unparse(before.targets[0])
            yield f"`{name}`", f"`{getattr(Job, name)}`", first_line(text_of(after))


def is_text(node: ast.stmt) -> bool:
    """Whether it is a string that stands by itself."""
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def text_of(node: ast.stmt) -> str:
    """That string."""
    return str(ast.literal_eval(node.value)) if isinstance(node, ast.Expr) else ""


def members(owner: type, names: tuple[str, ...]) -> Iterator[str]:
    """Methods and properties with what they say of themselves."""
    for name in names:
        member: Any = inspect.getattr_static(owner, name)
        if isinstance(member, property):
            yield from sections(3, [(name, prose(member.__doc__))])
        else:
            yield from sections(3, [(f"{name}{signature(member)}", prose(member.__doc__))])


def signature(function: Callable[..., Any]) -> str:
    """Names and defaults of the arguments, without types."""
    arguments = [
        parameter.replace(annotation=inspect.Parameter.empty)
        for name, parameter in inspect.signature(function).parameters.items()
        if name != "self"
    ]
    shown = str(inspect.Signature(arguments))
    return re.sub(r"'", '"', shown)
