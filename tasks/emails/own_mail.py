"""A mail that a job of one's own sends: one for each key of the job, over all its attempts."""

from collections.abc import Mapping, Sequence
from typing import Any

from project.errors import InvalidField
from project.job.follow_up import enqueue_follow_up
from project.text import is_line
from tasks.emails.addresses import normalise_recipients
from tasks.emails.mail.attachments import resolve_links
from tasks.emails.mail.templates import check_template
from tasks.emails.recipient_import import check_data

KIND = "email_blast"
TEXT_TEMPLATE = "text"
MAX_RECIPIENTS = 100
MAX_KEY_CHARACTERS = 200
MAX_SUBJECT_CHARACTERS = 200
MAX_TEXT_CHARACTERS = 100_000


def send_mail(
    job: Any,
    key: str,
    to: str | Sequence[str],
    *,
    subject: str = "",
    text: str = "",
    template: str = "",
    data: Mapping[str, Any] | None = None,
    attachments: Sequence[str] = (),
) -> str:
    """Send a mail from the running ``job``; return the id of the job that sends it.

    ``key`` names the mail: with the same key, a retry, a rerun or a second call sends no second
    mail, whatever its content. ``to`` is an address, or up to 100: each gets a mail of its own.
    The content is a ``subject`` and a ``text`` with blank lines between paragraphs, or a
    ``template`` with its ``data``. ``attachments`` are download links, such as
    ``file.result["download_url"]``.

    The mail leaves also when ``job`` fails later. Raises ``InvalidField`` with the name of a wrong
    argument, and ``StoreUnavailable``.
    """
    check_short_line("key", key, MAX_KEY_CHARACTERS)
    name, values = choose_content(subject, text, template, data)
    check_template(name)
    recipients = normalise_recipients([to] if isinstance(to, str) else list(to), "to")
    if not 0 < len(recipients) <= MAX_RECIPIENTS:
        raise InvalidField("to", f"has {len(recipients)} addresses; allowed are 1 to 100")
    kwargs: dict[str, Any] = {"recipients": recipients, "template": name}
    if values:
        kwargs["data"] = values
    if attachments:
        kwargs["attachments"] = resolve_links(attachments)
    return enqueue_follow_up(job, KIND, f"mail {key}", kwargs)


def choose_content(
    subject: str, text: str, template: str, data: Mapping[str, Any] | None
) -> tuple[str, dict[str, Any]]:
    """Return the template and its data. Raises ``InvalidField``."""
    if template:
        if subject or text:
            raise InvalidField("template", "has a subject and a text of its own: leave them out")
        check_data(data or {}, "data")
        return template, dict(data or {})
    if data:
        raise InvalidField("data", "is for a template: name one, or give subject and text")
    check_short_line("subject", subject, MAX_SUBJECT_CHARACTERS)
    if not text.strip() or len(text) > MAX_TEXT_CHARACTERS:
        raise InvalidField("text", f"must have 1 to {MAX_TEXT_CHARACTERS:,} characters")
    return TEXT_TEMPLATE, {"headline": subject, "text": text}


def check_short_line(field: str, value: str, most: int) -> None:
    """Raise ``InvalidField(field)`` unless this is one line of 1 to ``most`` characters."""
    if not value.strip() or len(value) > most or not is_line(value):
        raise InvalidField(field, f"must be one line of 1 to {most} characters")
