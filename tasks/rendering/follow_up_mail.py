"""Enqueues the mail about a finished file: one job per report or export, even after retries.

The mail job is of another kind, so this module knows only its name.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any

import msgspec

from project.artifacts.links import Artifact, resolve_link
from project.errors import InvalidField
from project.job.follow_up import enqueue_follow_up
from tasks.rendering.settings import get_rendering_settings

KIND = "email_blast"
"""The name of the mail job: an e-mail blast."""
NAME = "mail"
"""Derives the id of the mail job; changing it would repeat mails of jobs that run meanwhile."""
TEMPLATE = "file"
"""The name of the mail template."""
MAX_ADDRESSES = 100
"""Maximum number of recipients."""
BYTES_PER_KILOBYTE = 1_000
NO_BREAK_SPACE = "\N{NO-BREAK SPACE}"

type EmailAddress = Annotated[str, msgspec.Meta(extra_json_schema={"format": "email"})]
type EmailAddresses = Annotated[
    list[EmailAddress], msgspec.Meta(min_length=1, max_length=MAX_ADDRESSES)
]
type MailSubject = Annotated[
    str, msgspec.Meta(max_length=200, extra_json_schema={"format": "line", "minLength": 1})
]


class Mail(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The mail to send when the file is ready: a link to it, and the file itself if it is small.

    With ``attach: false`` the mail has only the link. With ``skip_empty`` no mail is sent when
    there are no rows. ``subject`` defaults to the title of the report or export.
    """

    to: EmailAddresses
    attach: bool = True
    subject: MailSubject | None = None
    skip_empty: bool = False


class ResultSummary(msgspec.Struct, frozen=True):
    """Describes a result to its reader; ``facts`` are labels with values."""

    title: str
    facts: Sequence[tuple[str, str]]
    rows: int


def build_mail_argument(mail: Mail, tasks: Mapping[str, Any]) -> dict[str, Any]:
    """The argument ``mail`` of the job, with normal addresses, each once; ``tasks`` by kind.

    Raises ``InvalidField`` for the first address that is not valid, as ``mail.to[3]``.
    """
    if KIND not in tasks:
        raise InvalidField("mail", "cannot be sent: this installation is without mail")
    to = tasks[KIND].normalise_recipients(mail.to, "mail.to")
    plain: dict[str, Any] = msgspec.to_builtins(msgspec.structs.replace(mail, to=to))
    return plain


def enqueue_mail(
    job: Any, mail: Mail, summary: ResultSummary, result: Mapping[str, Any]
) -> str | None:
    """Enqueue the mail about the result of ``job``; return its id, or None if it is skipped.

    A later attempt of ``job`` enqueues no second mail. Raises ``StoreUnavailable``.
    """
    if mail.skip_empty and not summary.rows:
        return None
    return enqueue_follow_up(job, KIND, NAME, build_arguments(mail, summary, result))


def build_arguments(
    mail: Mail, summary: ResultSummary, result: Mapping[str, Any]
) -> dict[str, Any]:
    """Build the arguments of the mail job."""
    is_attached = mail.attach and result["size"] <= get_rendering_settings().attach_bytes
    until = f"{datetime.fromtimestamp(result['expires_at'], UTC):%-d %B %Y, %H:%M} UTC"
    data = {
        "title": summary.title,
        "headline": mail.subject or summary.title,
        "facts": [
            *summary.facts,
            ("Made from", format_count(summary.rows, "row")),
            ("File", ", ".join(describe_file(result))),
            ("Link works until", until),
        ],
        "link": result["download_url"],
        "until": until,
        "is_attached": is_attached,
        "is_empty": not summary.rows,
    }
    arguments: dict[str, Any] = {"recipients": mail.to, "template": TEMPLATE, "data": data}
    if is_attached:
        arguments["attachments"] = [list(artifact_of(result))]
    return arguments


def describe_file(result: Mapping[str, Any]) -> Iterator[str]:
    """Yield the file name, the number of pages if known, and the size."""
    yield str(result["filename"])
    if "pages" in result:
        yield format_count(result["pages"], "page")
    yield format_size(result["size"])


def format_count(count: int, noun: str) -> str:
    """Format a count with its noun: ``1 row``, ``1,234 rows``."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def artifact_of(result: Mapping[str, Any]) -> Artifact:
    """Return the artifact that the download URL of a result leads to."""
    return resolve_link(result["download_url"].rpartition("/")[2])


def format_size(count: int) -> str:
    """Format bytes with a non-breaking space: ``850 bytes``, ``12 KB``, ``3.4 MB``."""
    if count < BYTES_PER_KILOBYTE:
        return f"{count}{NO_BREAK_SPACE}bytes"
    if count < BYTES_PER_KILOBYTE * BYTES_PER_KILOBYTE:
        return f"{count / BYTES_PER_KILOBYTE:.0f}{NO_BREAK_SPACE}KB"
    return f"{count / BYTES_PER_KILOBYTE / BYTES_PER_KILOBYTE:,.1f}{NO_BREAK_SPACE}MB"
