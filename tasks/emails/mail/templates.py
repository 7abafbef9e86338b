"""Mail templates: one folder each, with ``subject.txt``, ``body.html`` and ``body.txt``.

``body.mjml`` can replace ``body.html``. Without ``body.txt`` the text is made from the HTML. A
template has the variables ``recipient`` and ``sender`` (addresses), ``home_url`` (the address of
the service), ``unsubscribe_url``, ``brand`` (a ``MailBrand``), the data of the order and, in the
bodies, ``subject``. A variable without a value is an error, never an empty string.
"""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from project.errors import InvalidField, PermanentError
from project.settings.values import get_settings
from tasks.emails.addresses import get_sender
from tasks.emails.mail.brand import MailBrand, get_mail_brand
from tasks.emails.mail.plain_text import text_from_html
from tasks.emails.settings import get_mail_settings

if TYPE_CHECKING:
    import css_inline
    import jinja2

SHIPPED_FOLDER = Path(__file__).parents[1] / "templates"
SUBJECT_FILE, HTML_FILE, TEXT_FILE, MJML_FILE = "subject.txt", "body.html", "body.txt", "body.mjml"
KEPT_STYLE_TAG = '<style data-css-inline="ignore"'
MAX_BODY_CHARACTERS = 1_000_000
"""The limit for one body."""

MAX_SUBJECT_CHARACTERS = 1_000
MAX_COMPILED = 256
"""Templates, by name and brand, that a process keeps compiled."""

EXPRESSION_ERRORS = (
    ArithmeticError,
    AttributeError,
    LookupError,
    RuntimeError,
    TypeError,
    ValueError,
)
"""Errors of an expression in a template beside those of Jinja; of an endless recursion too."""

SYNTAX_ERRORS = (RuntimeError, SyntaxError, ValueError)
"""Errors of a template that is nested too deep, beside those of Jinja."""

MAX_SHOWN_CHARACTERS = 400
"""The part of a Jinja error that our error repeats: some contain the data they were given."""


@dataclass(frozen=True)
class RenderedMail:
    """The content of a mail for one recipient: the subject on one line, both bodies with CRLF."""

    subject: str
    html: str
    text: str


@dataclass(frozen=True)
class Template:
    """A compiled template; with ``text`` None the text is made from the HTML."""

    name: str
    subject: "jinja2.Template"
    html: "jinja2.Template"
    text: "jinja2.Template | None"

    def render(self, **values: Any) -> RenderedMail:
        """The mail with these values. Raises ``PermanentError`` when the template fails."""
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
    """The names of all templates, sorted: every folder with a subject and an HTML or MJML body."""
    complete = {
        folder.name
        for place in _iterate_folders()
        for folder in place.iterdir()
        if (folder / SUBJECT_FILE).is_file()
        and any((folder / body).is_file() for body in (HTML_FILE, MJML_FILE))
    }
    return tuple(sorted(complete))


def check_template(name: str) -> None:
    """Raise ``InvalidField("template")`` for an unknown name."""
    if name not in list_templates():
        raise InvalidField(
            "template", f"{name[:80]!r} is unknown; known are {', '.join(list_templates())}"
        )


def load_template(name: str, tenant: str = "") -> Template:
    """The compiled template, for the brand of a tenant; each process reads it once.

    Raises ``InvalidField`` for an unknown name, ``PermanentError`` for broken syntax.
    """
    return _load_template(name, get_mail_brand(tenant))


def build_template(name: str, files: dict[str, str], tenant: str = "") -> Template:
    """A template from the text of its files, which may include the shipped ones.

    Raises ``PermanentError`` for broken syntax.
    """
    import jinja2

    sources = jinja2.DictLoader({f"{name}/{file}": text for file, text in files.items()})
    environment = _build_environment(get_mail_brand(tenant))
    return _compile_template(name, environment.overlay(loader=_build_loader(sources)))


def build_values(
    recipient: str, link: str, data: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """The variables of a template for one recipient; ``link`` unsubscribes."""
    return {
        **(data or {}),
        "recipient": recipient,
        "sender": get_sender().address,
        "home_url": get_settings().base_url,
        "unsubscribe_url": link,
    }


def forget_templates() -> None:
    """Read all templates again when they are next asked for; for tests."""
    for cached in (list_templates, _load_template, _build_environment):
        cached.cache_clear()


@lru_cache(maxsize=MAX_COMPILED)
def _load_template(name: str, brand: MailBrand) -> Template:
    check_template(name)
    return _compile_template(name, _build_environment(brand))


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


@lru_cache(maxsize=MAX_COMPILED)
def _build_environment(brand: MailBrand) -> "jinja2.Environment":
    """The environment of templates; its ``brand`` is there for imported macros, too."""
    import jinja2
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    environment = ImmutableSandboxedEnvironment(
        loader=_build_loader(jinja2.FileSystemLoader(list(_iterate_folders()))),
        autoescape=jinja2.select_autoescape(["html"], default=False),
        undefined=jinja2.StrictUndefined,
        newline_sequence="\r\n",
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.globals["brand"] = asdict(brand)  # the sandbox checks attributes, not items
    return environment


def _build_loader(sources: "jinja2.BaseLoader") -> "jinja2.BaseLoader":
    """The sources with MJML converted to ``body.html``; then the shipped templates."""
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
    """MJML as HTML; Jinja expressions stay as they are. Raises ``ValueError``."""
    import mrml

    try:
        return mrml.to_html(mjml).content
    except OSError as error:
        raise ValueError(f"{MJML_FILE}: {error}") from error


def _inline_styles(html: str) -> str:
    """Move the rules of style sheets into the tags: many mail readers drop style sheets.

    A style sheet with ``KEPT_STYLE_TAG`` stays where it is.
    """
    if html.count("<style") == html.count(KEPT_STYLE_TAG):
        return html
    return "\r\n".join(_build_inliner().inline(html).splitlines())


@cache
def _build_inliner() -> "css_inline.CSSInliner":
    import css_inline

    return css_inline.CSSInliner(load_remote_stylesheets=False, keep_at_rules=True)


def _iterate_folders() -> Iterator[Path]:
    """The template folders: those of MAIL_TEMPLATES come before the shipped ones."""
    own_folder = get_mail_settings().mail_templates
    if own_folder:
        yield Path(own_folder)
    yield SHIPPED_FOLDER
