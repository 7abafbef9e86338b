"""Mail templates: one folder each, with ``subject.txt``, ``body.html`` and ``body.txt``.

``body.mjml`` may stand in for ``body.html``, and ``body.txt`` may be missing: then the text is
made from the HTML. A template sees ``recipient`` and ``sender`` (addresses), ``home_url`` (where
the service is reached), ``unsubscribe_url``, what the order gives as data and, in the bodies,
``subject``. A name it uses and nobody gave is an error, never an empty place.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from project.errors import InvalidField, PermanentError
from project.settings.values import settings
from tasks.emails.mail.plain_text import text_of

if TYPE_CHECKING:
    import css_inline
    import jinja2

FOLDER = Path(__file__).parents[1] / "templates"
SUBJECT, HTML, TEXT, MJML = "subject.txt", "body.html", "body.txt", "body.mjml"
PARTS = (SUBJECT, HTML, TEXT)
KEPT_SHEET = '<style data-css-inline="ignore"'
MOST_CHARACTERS = 1_000_000
"""Of one body."""

MOST_IN_SUBJECT = 1_000

EXPRESSION_ERRORS = (
    ArithmeticError,
    AttributeError,
    LookupError,
    RuntimeError,
    TypeError,
    ValueError,
)
"""What an expression in a template can raise beside jinja's own errors, one without end too."""

SYNTAX_ERRORS = (RuntimeError, SyntaxError, ValueError)
"""What is raised beside jinja's own errors by a template that is nested too deep."""

SHOWN = 400
"""Characters of an error that are repeated in ours: some repeat what they were given."""


@dataclass(frozen=True)
class Letter:
    """What one recipient gets: the subject on one line, both bodies with CRLF."""

    subject: str
    html: str
    text: str


@dataclass(frozen=True)
class Template:
    """The parts of a template, compiled; without ``text`` that is made from the HTML."""

    name: str
    subject: "jinja2.Template"
    html: "jinja2.Template"
    text: "jinja2.Template | None"

    def render(self, **values: Any) -> Letter:
        """Fill in ``values``; ``PermanentError`` when the template does not work with them."""
        import jinja2

        try:
            letter = self._rendered(values)
        except (jinja2.TemplateError, *EXPRESSION_ERRORS) as error:
            raise PermanentError(
                f"the template {self.name!r} does not render: {str(error)[:SHOWN]}"
            ) from error
        if max(len(letter.html), len(letter.text)) > MOST_CHARACTERS:
            raise PermanentError(
                f"the template {self.name!r} makes more than {MOST_CHARACTERS} characters"
            )
        return letter

    def _rendered(self, values: dict[str, Any]) -> Letter:
        subject = " ".join(self.subject.render(values).split())
        if len(subject) > MOST_IN_SUBJECT:
            raise ValueError(f"a subject of more than {MOST_IN_SUBJECT} characters")
        values["subject"] = subject
        html = _inlined(self.html.render(values))
        text = self.text.render(values) if self.text else text_of(html)
        for part in (subject, html, text):
            part.encode()  # half of a surrogate pair cannot be sent
        return Letter(subject, html, text)


@cache
def names() -> tuple[str, ...]:
    """The templates there are: every folder that has all its parts."""
    complete = {
        folder.name
        for place in _folders()
        for folder in place.iterdir()
        if (folder / SUBJECT).is_file() and any((folder / body).is_file() for body in (HTML, MJML))
    }
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
    check(name)
    return _compiled(name, _environment())


def build(name: str, parts: dict[str, str]) -> Template:
    """A template from the text of its parts, which may use those that are shipped.

    Raises ``PermanentError`` for broken syntax.
    """
    import jinja2

    given = jinja2.DictLoader({f"{name}/{part}": source for part, source in parts.items()})
    return _compiled(name, _environment().overlay(loader=_loader(given)))


def _compiled(name: str, environment: "jinja2.Environment") -> Template:
    import jinja2

    try:
        subject, html = (environment.get_template(f"{name}/{part}") for part in (SUBJECT, HTML))
        text = _text(environment, name)
    except (jinja2.TemplateError, *SYNTAX_ERRORS) as error:
        raise PermanentError(
            f"the template {name!r} cannot be used: {str(error)[:SHOWN]}"
        ) from error
    return Template(name, subject, html, text)


def _text(environment: "jinja2.Environment", name: str) -> "jinja2.Template | None":
    import jinja2

    try:
        return environment.get_template(f"{name}/{TEXT}")
    except jinja2.TemplateNotFound:
        return None


@cache
def _environment() -> "jinja2.Environment":
    import jinja2
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    return ImmutableSandboxedEnvironment(
        loader=_loader(jinja2.FileSystemLoader(list(_folders()))),
        autoescape=jinja2.select_autoescape(["html"], default=False),
        undefined=jinja2.StrictUndefined,
        newline_sequence="\r\n",
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )


def _loader(sources: "jinja2.BaseLoader") -> "jinja2.BaseLoader":
    """The same with ``body.html`` made from ``body.mjml`` where that is there, then the shipped."""
    import jinja2

    def from_mjml(name: str) -> str | None:
        if not name.endswith(f"/{HTML}"):
            return None
        try:
            source, *_ = sources.get_source(_blank(), name.removesuffix(HTML) + MJML)
        except jinja2.TemplateNotFound:
            return None
        return _html_of(source)

    shipped = jinja2.FileSystemLoader(FOLDER)
    return jinja2.ChoiceLoader([jinja2.FunctionLoader(from_mjml), sources, shipped])


@cache
def _blank() -> "jinja2.Environment":
    import jinja2

    return jinja2.Environment(autoescape=True)


def _html_of(mjml: str) -> str:
    """MJML as HTML, what is in braces left as it is. Raises ``ValueError``."""
    import mrml

    try:
        return mrml.to_html(mjml).content
    except OSError as error:
        raise ValueError(f"{MJML}: {error}") from error


def _inlined(html: str) -> str:
    """The rules of its style sheets in the tags, since many readers drop the sheets.

    Those of a sheet that is marked so stay where they are.
    """
    if html.count("<style") == html.count(KEPT_SHEET):
        return html
    return "\r\n".join(_inliner().inline(html).splitlines())


@cache
def _inliner() -> "css_inline.CSSInliner":
    import css_inline

    return css_inline.CSSInliner(load_remote_stylesheets=False, keep_at_rules=True)


def _folders() -> Iterator[Path]:
    """Where templates are: those of this installation come before the shipped ones."""
    if settings().mail_templates:
        yield Path(settings().mail_templates)
    yield FOLDER
