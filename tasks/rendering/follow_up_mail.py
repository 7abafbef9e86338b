"""Mail about a file that a job has made: another job, ordered once whatever becomes of this one.

The job that mails is of another kind, so it is known here by its name alone.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import NAMESPACE_OID, uuid4, uuid5

import msgspec

from project.artifacts.links import Artifact, resolve
from project.errors import DuplicateJob, InvalidField
from project.settings.values import settings
from project.store.commands import queries

KIND = "email_blast"
TEMPLATE = "file"
MOST = 100
"""Addresses of one mail."""
KILO = 1_000
KEPT = "\N{NO-BREAK SPACE}"

type Address = Annotated[str, msgspec.Meta(extra_json_schema={"format": "email"})]
type Addresses = Annotated[list[Address], msgspec.Meta(min_length=1, max_length=MOST)]
type Subject = Annotated[
    str, msgspec.Meta(max_length=200, extra_json_schema={"format": "line", "minLength": 1})
]


class Mail(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whom to mail the file when it is made: a link, and the file itself where it is small enough.

    Without ``attach`` the link alone, with ``skip_empty`` nothing when there are no rows.
    ``subject`` is the title of what was made unless it is given.
    """

    to: Addresses
    attach: bool = True
    subject: Subject | None = None
    skip_empty: bool = False


class About(msgspec.Struct, frozen=True):
    """What was made, in words: ``facts`` are labels and values, ``rows`` what it was made of."""

    title: str
    facts: Sequence[tuple[str, str]]
    rows: int


def read(said: Mapping[str, Any] | None) -> Mail | None:
    """What the arguments of a job say about mail. Raises ``InvalidField``."""
    if said is None:
        return None
    try:
        return msgspec.convert(said, Mail)
    except msgspec.ValidationError as error:
        raise InvalidField("mail", str(error)) from None


def ordered(job: Any, mail: Mail, about: About, result: Mapping[str, Any]) -> str | None:
    """Order the mail about the ``result`` of ``job``; its id, None when there is nothing to mail.

    The id follows from that of ``job``: an attempt that is made again finds the mail ordered.
    Raises ``StoreUnavailable``.
    """
    if mail.skip_empty and not about.rows:
        return None
    job_id = job.request.id or str(uuid4())
    mail_id = str(uuid5(NAMESPACE_OID, f"mail {job_id}"))
    wanted = job.app.kind(KIND).message(kwargs=call(mail, about, result), task_id=mail_id)
    with suppress(DuplicateJob):
        job.app.send(wanted.owned_by(tenant_of(job, job_id)))
    return mail_id


def tenant_of(job: Any, job_id: str) -> str:
    """Whose job it is; "" when it is nobody's."""
    record = job.app.store.run(queries.read(job_id))
    return str(record.tenant or "") if record else ""


def call(mail: Mail, about: About, result: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of the job that mails."""
    is_attached = mail.attach and result["size"] <= settings().attach_bytes
    until = f"{datetime.fromtimestamp(result['expires_at'], UTC):%-d %B %Y, %H:%M} UTC"
    data = {
        "title": about.title,
        "headline": mail.subject or about.title,
        "facts": [
            *about.facts,
            ("Made from", counted(about.rows, "row")),
            ("File", ", ".join(file_said(result))),
            ("Link works until", until),
        ],
        "link": result["download_url"],
        "until": until,
        "is_attached": is_attached,
        "is_empty": not about.rows,
    }
    said = {"recipients": mail.to, "template": TEMPLATE, "data": data}
    return said | {"attachments": [list(artifact_of(result))]} if is_attached else said


def file_said(result: Mapping[str, Any]) -> Iterator[str]:
    """What a result says of its file, in words."""
    yield str(result["filename"])
    if "pages" in result:
        yield counted(result["pages"], "page")
    yield size_of(result["size"])


def counted(count: int, thing: str) -> str:
    """So many of a thing: ``1 row``, ``1,234 rows``."""
    return f"{count:,} {thing}" if count == 1 else f"{count:,} {thing}s"


def artifact_of(result: Mapping[str, Any]) -> Artifact:
    """The file that a result tells of."""
    return resolve(result["download_url"].rpartition("/")[2])


def size_of(count: int) -> str:
    """Bytes as people say it, not to be broken: ``850 bytes``, ``12 KB``, ``3.4 MB``."""
    if count < KILO:
        return f"{count}{KEPT}bytes"
    if count < KILO * KILO:
        return f"{count / KILO:.0f}{KEPT}KB"
    return f"{count / KILO / KILO:,.1f}{KEPT}MB"
