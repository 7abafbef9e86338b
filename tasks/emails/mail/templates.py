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
from project.settings.values import get_settings
from tasks.emails.mail.plain_text import text_from_html

if TYPE_CHECKING:
    import css_inline
    import jinja2

SHIPPED_FOLDER = Path(__file__).parents[1] / "templates"
SUBJECT_FILE, HTML_FILE, TEXT_FILE, MJML_FILE = "subject.txt", "body.html", "body.txt", "body.mjml"
REQUIRED_FILES = (SUBJECT_FILE, HTML_FILE, TEXT_FILE)
KEPT_STYLE_TAG = '<style data-css-inline="ignore"'
MAX_BODY_CHARACTERS = 1_000_000
"""Of one body."""

MAX_SUBJECT_CHARACTERS = 1_000

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

MAX_SHOWN_CHARACTERS = 400
"""Characters of an error that are repeated in ours: some repeat what they were given."""


@dataclass(frozen=True)
class RenderedMail:
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

    def render(self, **values: Any) -> RenderedMail:
        """Fill in ``values``; ``PermanentError`` when the template does not work with them."""
        import jinja2

        try:
            letter = self._render_parts(values)
        except (jinja2.TemplateError, *EXPRESSION_ERRORS) as error:
            raise PermanentError(
                f"the template {self.name!r} does not render: {str(error)[:MAX_SHOWN_CHARACTERS]}"
            ) from error
        if max(len(letter.html), len(letter.text)) > MAX_BODY_CHARACTERS:
            raise PermanentError(
                f"the template {self.name!r} makes more than {MAX_BODY_CHARACTERS} characters"
            )
        return letter

    def _render_parts(self, values: dict[str, Any]) -> RenderedMail:
        subject = " ".join(self.subject.render(values).split())
        if len(subject) > MAX_SUBJECT_CHARACTERS:
            raise ValueError(f"a subject of more than {MAX_SUBJECT_CHARACTERS} characters")
        values["subject"] = subject
        html = _inline_styles(self.html.render(values))
        text = self.text.render(values) if self.text else text_from_html(html)
        for part in (subject, html, text):
            part.encode()  # half of a surrogate pair cannot be sent
        return RenderedMail(subject, html, text)


@cache
def list_templates() -> tuple[str, ...]:
    """The templates there are: every folder that has all its parts."""
    complete = {
        folder.name
        for place in _iterate_folders()
        for folder in place.iterdir()
        if (folder / SUBJECT_FILE).is_file()
        and any((folder / body).is_file() for body in (HTML_FILE, MJML_FILE))
    }
    return tuple(sorted(complete))


def check_template(name: str) -> None:
    """Raise ``InvalidField("template")`` unless there is a template of this name."""
    if name not in list_templates():
        raise InvalidField(
            "template", f"{name[:80]!r} is unknown; known are {', '.join(list_templates())}"
        )


@cache
def load_template(name: str) -> Template:
    """The compiled template, read once per process.

    Raises ``InvalidField`` for an unknown name, ``PermanentError`` for broken syntax.
    """
    check_template(name)
    return _compile_template(name, _build_environment())


def build_template(name: str, parts: dict[str, str]) -> Template:
    """A template from the text of its parts, which may use those that are shipped.

    Raises ``PermanentError`` for broken syntax.
    """
    import jinja2

    given = jinja2.DictLoader({f"{name}/{part}": source for part, source in parts.items()})
    return _compile_template(name, _build_environment().overlay(loader=_build_loader(given)))


def _compile_template(name: str, environment: "jinja2.Environment") -> Template:
    import jinja2

    try:
        subject, html = (
            environment.get_template(f"{name}/{part}") for part in (SUBJECT_FILE, HTML_FILE)
        )
        text = _load_text(environment, name)
    except (jinja2.TemplateError, *SYNTAX_ERRORS) as error:
        raise PermanentError(
            f"the template {name!r} cannot be used: {str(error)[:MAX_SHOWN_CHARACTERS]}"
        ) from error
    return Template(name, subject, html, text)


def _load_text(environment: "jinja2.Environment", name: str) -> "jinja2.Template | None":
    import jinja2

    try:
        return environment.get_template(f"{name}/{TEXT_FILE}")
    except jinja2.TemplateNotFound:
        return None


@cache
def _build_environment() -> "jinja2.Environment":
    import jinja2
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    return ImmutableSandboxedEnvironment(
        loader=_build_loader(jinja2.FileSystemLoader(list(_iterate_folders()))),
        autoescape=jinja2.select_autoescape(["html"], default=False),
        undefined=jinja2.StrictUndefined,
        newline_sequence="\r\n",
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )


def _build_loader(sources: "jinja2.BaseLoader") -> "jinja2.BaseLoader":
    """The same with ``body.html`` made from ``body.mjml`` where that is there, then the shipped."""
    import jinja2

    def from_mjml(name: str) -> str | None:
        if not name.endswith(f"/{HTML_FILE}"):
            return None
        try:
            source, *_ = sources.get_source(
                _build_blank_environment(), name.removesuffix(HTML_FILE) + MJML_FILE
            )
        except jinja2.TemplateNotFound:
            return None
        return _html_from_mjml(source)

    shipped = jinja2.FileSystemLoader(SHIPPED_FOLDER)
    return jinja2.ChoiceLoader([jinja2.FunctionLoader(from_mjml), sources, shipped])


@cache
def _build_blank_environment() -> "jinja2.Environment":
    import jinja2

    return jinja2.Environment(autoescape=True)


def _html_from_mjml(mjml: str) -> str:
    """MJML as HTML, what is in braces left as it is. Raises ``ValueError``."""
    import mrml

    try:
        return mrml.to_html(mjml).content
    except OSError as error:
        raise ValueError(f"{MJML_FILE}: {error}") from error


def _inline_styles(html: str) -> str:
    """The rules of its style sheets in the tags, since many readers drop the sheets.

    Those of a sheet that is marked so stay where they are.
    """
    if html.count("<style") == html.count(KEPT_STYLE_TAG):
        return html
    return "\r\n".join(_build_inliner().inline(html).splitlines())


@cache
def _build_inliner() -> "css_inline.CSSInliner":
    import css_inline

    return css_inline.CSSInliner(load_remote_stylesheets=False, keep_at_rules=True)


def _iterate_folders() -> Iterator[Path]:
    """Where templates are: those of this installation come before the shipped ones."""
    if get_settings().mail_templates:
        yield Path(get_settings().mail_templates)
    yield SHIPPED_FOLDER
