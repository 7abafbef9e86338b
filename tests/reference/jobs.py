"""The API of a job, from the class behind ``@app.task``."""

import ast
import inspect
import re
from collections.abc import Callable, Iterator
from typing import Any

from benchmarks.support.page_parts import format_table
from project.job import bulk
from project.job.bulk import enqueue_many
from project.job.result import JobResult
from project.job.task import Job
from tests.reference.prose import (
    format_sections,
    join_parts,
    markdown_from_docstring,
    summary_from_docstring,
)

SENDING_METHODS = ("apply_async", "aapply_async", "message")
RUNNING_METHODS = (
    "progress",
    "checkpoint",
    "is_cancelled",
    "once",
    "step",
    "map",
    "artifact",
    "postpone",
    "sleep",
    "wait",
    "signal_link",
    "retry",
    "attempts_left",
)
RESULT_METHODS = ("record", "cancel", "signal", "rerun", "afetch")


def make_options() -> str:
    """The task options that Continuo adds to Celery's."""
    return format_table(("option", "default", "meaning"), list_options())


def make_sending() -> str:
    """The functions that order one or many jobs."""
    text = markdown_from_docstring(enqueue_many.__doc__)
    many = f"{text}\n\nA step has at most {bulk.MAX_JOBS_PER_STEP:,} jobs."
    return join_parts(
        *format_members(Job, SENDING_METHODS),
        *format_sections(3, [(f"enqueue_many{format_signature(enqueue_many)}", many)]),
    )


def make_results() -> str:
    """The members of a result."""
    return join_parts(*format_members(JobResult, RESULT_METHODS))


def make_running() -> str:
    """The methods that a running job can call."""
    return join_parts(*format_members(Job, RUNNING_METHODS))


def list_options() -> Iterator[tuple[str, str, str]]:
    """The documented attributes of the class: name, default, text."""
    (body,) = ast.parse(inspect.getsource(Job)).body
    assert isinstance(body, ast.ClassDef)
    yield "`max_retries`", f"`{Job.max_retries}`", "Retries after the first attempt; 3 in Celery."
    yield (
        "`max_attempts`",
        "`None`",
        "Instead of `max_retries`: one more, as attempts.",
    )
    for before, after in zip(body.body, body.body[1:], strict=False):
        if isinstance(before, ast.Assign) and is_string_literal(after):
            name = ast.unparse(before.targets[0])
            yield f"`{name}`", f"`{getattr(Job, name)}`", summary_from_docstring(text_of(after))


def is_string_literal(node: ast.stmt) -> bool:
    """Whether the statement is a string by itself."""
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def text_of(node: ast.stmt) -> str:
    """The value of such a string."""
    return str(ast.literal_eval(node.value)) if isinstance(node, ast.Expr) else ""


def format_members(owner: type, names: tuple[str, ...]) -> Iterator[str]:
    """A section for each method and property, with its docstring."""
    for name in names:
        member: Any = inspect.getattr_static(owner, name)
        if isinstance(member, property):
            yield from format_sections(3, [(name, markdown_from_docstring(member.__doc__))])
        else:
            yield from format_sections(
                3, [(f"{name}{format_signature(member)}", markdown_from_docstring(member.__doc__))]
            )


def format_signature(function: Callable[..., Any]) -> str:
    """Names and defaults of the arguments, without types."""
    arguments = [
        parameter.replace(annotation=inspect.Parameter.empty)
        for name, parameter in inspect.signature(function).parameters.items()
        if name != "self"
    ]
    shown = str(inspect.Signature(arguments))
    return re.sub(r"'", '"', shown)
