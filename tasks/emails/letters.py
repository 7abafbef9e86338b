"""Mail templates: one folder each, with ``subject.txt``, ``body.html`` and ``body.txt``.

A template sees ``recipient`` and ``sender`` (addresses), ``home_url`` (where the
service is reached) and, in the bodies, ``subject``. A name it uses and nobody
gave is an error, never an empty place.
"""

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from project.errors import InvalidField, PermanentError

if TYPE_CHECKING:
    import jinja2

FOLDER = Path(__file__).parent / "templates"
PARTS = ("subject.txt", "body.html", "body.txt")
EXPRESSION_ERRORS = (ArithmeticError, LookupError, TypeError, ValueError)
"""What an expression in a template can raise beside jinja's own errors."""


@dataclass(frozen=True)
class Letter:
    """What one recipient gets: the subject on one line, both bodies with CRLF."""

    subject: str
    html: str
    text: str


@dataclass(frozen=True)
class Template:
    """The three parts of a template, compiled."""

    name: str
    subject: "jinja2.Template"
    html: "jinja2.Template"
    text: "jinja2.Template"

    def render(self, **values: Any) -> Letter:
        """Fill in ``values``; ``PermanentError`` when the template does not work with them."""
        import jinja2

        try:
            subject = " ".join(self.subject.render(values).split())
            html = self.html.render(values, subject=subject)
            text = self.text.render(values, subject=subject)
        except (jinja2.TemplateError, *EXPRESSION_ERRORS) as error:
            raise PermanentError(f"the template {self.name!r} does not render: {error}") from error
        return Letter(subject, html, text)


@cache
def names() -> tuple[str, ...]:
    """The templates there are: every folder that has all its parts."""
    complete = (
        folder.name
        for folder in FOLDER.iterdir()
        if all((folder / part).is_file() for part in PARTS)
    )
    return tuple(sorted(complete))


def check(name: str) -> None:
    """Raise ``InvalidField("template")`` unless there is a template of this name."""
    if name not in names():
        raise InvalidField("template", f"{name[:80]!r} is unknown; known are {', '.join(names())}")


@cache
def load(name: str) -> Template:
    """The compiled template, read once per process.

    Raises ``InvalidField`` for an unknown name, ``PermanentError`` for broken syntax.
    """
    import jinja2

    check(name)
    try:
        parts = [_environment().get_template(f"{name}/{part}") for part in PARTS]
    except jinja2.TemplateError as error:
        raise PermanentError(f"the template {name!r} cannot be used: {error}") from error
    return Template(name, *parts)


@cache
def _environment() -> "jinja2.Environment":
    import jinja2
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    return ImmutableSandboxedEnvironment(
        loader=jinja2.FileSystemLoader(FOLDER),
        autoescape=jinja2.select_autoescape(["html"], default=False),
        undefined=jinja2.StrictUndefined,
        newline_sequence="\r\n",
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
