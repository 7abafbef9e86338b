"""Renders a preview in a process of its own, with limits on CPU time and memory.

``python -m tasks.emails.mail.preview_process`` reads a ``PreviewRequest`` as JSON from standard
input and writes a ``PreviewResult``. The sandbox of Jinja keeps a template from reaching out; the
limits of the kernel keep it from filling the memory or running for ever.
"""

import email
import email.policy
import resource
import subprocess
import sys
from typing import Any

import msgspec

from project.errors import ContinuoError, InvalidField
from tasks.emails.addresses import get_sender
from tasks.emails.mail import mime, templates, unsubscribe
from tasks.emails.mail.brand import load_logo_part

MAX_CPU_SECONDS = 5
MAX_MEMORY_BYTES = 512 << 20
TIMEOUT_SECONDS = 20.0

INLINE_NAME = "inline"


class Parts(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An inline template: ``mjml`` or ``html``; without ``text`` the text is made from the HTML."""

    subject: str
    html: str = ""
    mjml: str = ""
    text: str = ""

    def files(self) -> dict[str, str]:
        """The parts as the files of a template folder: name -> text."""
        optional = {
            templates.HTML_FILE: self.html,
            templates.MJML_FILE: self.mjml,
            templates.TEXT_FILE: self.text,
        }
        return {
            templates.SUBJECT_FILE: self.subject,
            **{name: text for name, text in optional.items() if text},
        }


class PreviewRequest(msgspec.Struct, frozen=True):
    """A template, by name or in parts, for one recipient."""

    template: str | Parts
    recipient: str
    data: dict[str, Any]
    tenant: str = ""


class Preview(msgspec.Struct, frozen=True):
    """A mail as it would go out, without a DKIM signature; its link unsubscribes no address.

    ``size`` is in bytes; the headers are in their order.
    """

    subject: str
    html: str
    text: str
    headers: list[tuple[str, str]]
    size: int


class PreviewResult(msgspec.Struct, frozen=True):
    """The preview, or the problem with the template."""

    preview: Preview | None = None
    problem: str = ""


def run_preview_process(request: PreviewRequest) -> Preview:
    """Render a preview in a new process. Raises ``InvalidField`` for a template that fails."""
    command = [sys.executable, "-m", "tasks.emails.mail.preview_process"]
    try:
        process = subprocess.run(  # noqa: S603 - this very program
            command,
            input=msgspec.json.encode(request),
            capture_output=True,
            timeout=TIMEOUT_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise InvalidField("template", f"takes longer than {TIMEOUT_SECONDS:.0f} s") from None
    if process.returncode:
        raise InvalidField(
            "template",
            f"takes more than {MAX_CPU_SECONDS} s or {MAX_MEMORY_BYTES >> 20} MiB of memory, "
            "or is nested too deep",
        )
    result = msgspec.json.decode(process.stdout, type=PreviewResult)
    if result.preview is None:
        raise InvalidField("template", result.problem)
    return result.preview


def main() -> int:
    """Render the request from standard input; the exit code is 1 when the memory is used up."""
    resource.setrlimit(resource.RLIMIT_CPU, (MAX_CPU_SECONDS, MAX_CPU_SECONDS + 1))
    resource.setrlimit(resource.RLIMIT_AS, (MAX_MEMORY_BYTES, MAX_MEMORY_BYTES))
    request = msgspec.json.decode(sys.stdin.buffer.read(), type=PreviewRequest)
    try:
        result = PreviewResult(preview=render_preview(request))
    except MemoryError:
        return 1
    except ContinuoError as problem:
        result = PreviewResult(problem=str(problem))
    sys.stdout.buffer.write(msgspec.json.encode(result))
    return 0


def render_preview(request: PreviewRequest) -> Preview:
    """The mail that the recipient would get. Raises ``PermanentError``, ``InvalidField``."""
    link = unsubscribe.build_link(unsubscribe.PREVIEW_RECIPIENT)
    values = templates.build_values(request.recipient, link, request.data)
    letter = _load_template(request.template, request.tenant).render(**values)
    logo = load_logo_part(request.tenant)
    raw = mime.build_mail("preview", get_sender(), request.recipient, letter, link, logo=logo)
    headers = email.message_from_bytes(raw, policy=email.policy.default).items()
    return Preview(
        subject=letter.subject,
        html=letter.html,
        text=letter.text,
        headers=[(name, str(value)) for name, value in headers],
        size=len(raw),
    )


def _load_template(template: str | Parts, tenant: str) -> templates.Template:
    if isinstance(template, str):
        return templates.load_template(template, tenant)
    return templates.build_template(INLINE_NAME, template.files(), tenant)


if __name__ == "__main__":
    sys.exit(main())
