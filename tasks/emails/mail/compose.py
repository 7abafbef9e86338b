"""The mail for one recipient: its template rendered, its files attached, built and signed."""

from collections.abc import Mapping
from typing import Any

from project.errors import InvalidField
from tasks.emails.addresses import MAX_SHOWN_CHARACTERS, get_sender, is_plain_address
from tasks.emails.mail import mime, templates
from tasks.emails.mail.attachments import load_parts
from tasks.emails.mail.brand import load_logo_part
from tasks.emails.mail.dkim_signature import sign
from tasks.emails.mail.templates import RenderedMail
from tasks.emails.mail.unsubscribe import PREVIEW_RECIPIENT, build_link


def compose(
    job_id: str,
    recipient: str,
    template: str,
    data: Mapping[str, Any] | None = None,
    files: tuple[tuple[str, str], ...] = (),
    letter: Mapping[str, str] | None = None,
    tenant: str = "",
) -> bytes:
    """The mail of this job for one recipient: pure ASCII, lines end with CRLF.

    ``data`` goes to the template. ``files`` are the attached artifacts, each as key and name. A
    ``letter``, the fields of a ``RenderedMail``, takes the place of the template: the mail is a
    test, and its link unsubscribes no address. The brand is that of ``tenant``. The Message-ID
    depends on job and recipient only.

    Raises ``InvalidField`` for a recipient that is not one plain address, and ``PermanentError``
    when the template does not render or an attachment is gone.
    """
    if not is_plain_address(recipient):
        shown = recipient[:MAX_SHOWN_CHARACTERS]
        raise InvalidField("recipient", f"{shown!r} is not one plain e-mail address")
    link = build_link(PREVIEW_RECIPIENT if letter else recipient)
    if letter:
        rendered = RenderedMail(**letter)
    else:
        values = templates.build_values(recipient, link, data)
        rendered = templates.load_template(template, tenant).render(**values)
    sender = get_sender()
    parts, logo = load_parts(files), load_logo_part(tenant)
    raw = mime.build_mail(job_id, sender, recipient, rendered, link, parts, logo)
    return sign(raw, sender.domain)
