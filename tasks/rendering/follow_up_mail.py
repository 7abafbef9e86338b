"""Mail about a file that a job has made: another job, ordered once whatever becomes of this one.

The job that mails is of another kind, so it is known here by its name alone.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import NAMESPACE_OID, uuid4, uuid5

import msgspec

from project.artifacts.links import Artifact, resolve_link
from project.errors import DuplicateJob, InvalidField
from project.settings.values import get_settings
from project.store.commands import queries

KIND = "email_blast"
TEMPLATE = "file"
MAX_ADDRESSES = 100
"""Addresses of one mail."""
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
    """Whom to mail the file when it is made: a link, and the file itself where it is small enough.

    Without ``attach`` the link alone, with ``skip_empty`` nothing when there are no rows.
    ``subject`` is the title of what was made unless it is given.
    """

    to: EmailAddresses
    attach: bool = True
    subject: MailSubject | None = None
    skip_empty: bool = False


class ResultSummary(msgspec.Struct, frozen=True):
    """What was made, in words: ``facts`` are labels and values, ``rows`` what it was made of."""

    title: str
    facts: Sequence[tuple[str, str]]
    rows: int


def parse_mail(said: Mapping[str, Any] | None) -> Mail | None:
    """What the arguments of a job say about mail. Raises ``InvalidField``."""
    if said is None:
        return None
    try:
        return msgspec.convert(said, Mail)
    except msgspec.ValidationError as error:
        raise InvalidField("mail", str(error)) from None


def enqueue_mail(
    job: Any, mail: Mail, about: ResultSummary, result: Mapping[str, Any]
) -> str | None:
    """Order the mail about the ``result`` of ``job``; its id, None when there is nothing to mail.

    The id follows from that of ``job``: an attempt that is made again finds the mail ordered.
    Raises ``StoreUnavailable``.
    """
    if mail.skip_empty and not about.rows:
        return None
    job_id = job.request.id or str(uuid4())
    mail_id = str(uuid5(NAMESPACE_OID, f"mail {job_id}"))
    wanted = job.app.kind(KIND).message(
        kwargs=build_arguments(mail, about, result), task_id=mail_id
    )
    with suppress(DuplicateJob):
        job.app.enqueue(wanted.owned_by(tenant_of(job, job_id)))
    return mail_id


def tenant_of(job: Any, job_id: str) -> str:
    """Whose job it is; "" when it is nobody's."""
    record = job.app.store.run(queries.read_record(job_id))
    return str(record.tenant or "") if record else ""


def build_arguments(mail: Mail, about: ResultSummary, result: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of the job that mails."""
    is_attached = mail.attach and result["size"] <= get_settings().attach_bytes
    until = f"{datetime.fromtimestamp(result['expires_at'], UTC):%-d %B %Y, %H:%M} UTC"
    data = {
        "title": about.title,
        "headline": mail.subject or about.title,
        "facts": [
            *about.facts,
            ("Made from", format_count(about.rows, "row")),
            ("File", ", ".join(describe_file(result))),
            ("Link works until", until),
        ],
        "link": result["download_url"],
        "until": until,
        "is_attached": is_attached,
        "is_empty": not about.rows,
    }
    said = {"recipients": mail.to, "template": TEMPLATE, "data": data}
    return said | {"attachments": [list(artifact_of(result))]} if is_attached else said


def describe_file(result: Mapping[str, Any]) -> Iterator[str]:
    """What a result says of its file, in words."""
    yield str(result["filename"])
    if "pages" in result:
        yield format_count(result["pages"], "page")
    yield format_size(result["size"])


def format_count(count: int, thing: str) -> str:
    """So many of a thing: ``1 row``, ``1,234 rows``."""
    return f"{count:,} {thing}" if count == 1 else f"{count:,} {thing}s"


def artifact_of(result: Mapping[str, Any]) -> Artifact:
    """The file that a result tells of."""
    return resolve_link(result["download_url"].rpartition("/")[2])


def format_size(count: int) -> str:
    """Bytes as people say it, not to be broken: ``850 bytes``, ``12 KB``, ``3.4 MB``."""
    if count < BYTES_PER_KILOBYTE:
        return f"{count}{NO_BREAK_SPACE}bytes"
    if count < BYTES_PER_KILOBYTE * BYTES_PER_KILOBYTE:
        return f"{count / BYTES_PER_KILOBYTE:.0f}{NO_BREAK_SPACE}KB"
    return f"{count / BYTES_PER_KILOBYTE / BYTES_PER_KILOBYTE:,.1f}{NO_BREAK_SPACE}MB"
