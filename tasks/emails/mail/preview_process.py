"""The booth: a process of its own in which a template is tried, with bounds on what it burns.

``python -m tasks.emails.mail.preview_process`` reads a ``PreviewRequest`` as JSON and writes a
``Preview`` or a problem.
The sandbox of Jinja keeps a template from reaching out; it does not keep it from filling the
memory or from running for ever. The kernel does.
"""

import email
import email.policy
import resource
import subprocess
import sys
from typing import Any

import msgspec

from project.errors import ContinuoError, InvalidField
from tasks.emails.mail import mime, templates, unsubscribe

MAX_CPU_SECONDS = 5
MAX_MEMORY_BYTES = 512 << 20
TIMEOUT_SECONDS = 20.0

INLINE_NAME = "inline"


class Parts(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A template as a caller gives it: ``mjml`` or ``html``, and ``text`` unless it is made."""

    subject: str
    html: str = ""
    mjml: str = ""
    text: str = ""

    def files(self) -> dict[str, str]:
        """The same as the files of a folder."""
        given = {
            templates.HTML_FILE: self.html,
            templates.MJML_FILE: self.mjml,
            templates.TEXT_FILE: self.text,
        }
        return {
            templates.SUBJECT_FILE: self.subject,
            **{name: text for name, text in given.items() if text},
        }


class PreviewRequest(msgspec.Struct, frozen=True):
    """What to try: a template, by name or in parts, for one recipient."""

    template: str | Parts
    recipient: str
    data: dict[str, Any]


class Preview(msgspec.Struct, frozen=True):
    """A mail as it would go out, but not signed, and its link unsubscribes nobody.

    ``size`` in bytes, headers in their order.
    """

    subject: str
    html: str
    text: str
    headers: list[tuple[str, str]]
    size: int


class PreviewResult(msgspec.Struct, frozen=True):
    """What came of it."""

    preview: Preview | None = None
    problem: str = ""


def run_preview_process(trial: PreviewRequest) -> Preview:
    """Try it in a booth. Raises ``InvalidField`` for a template that does not work."""
    command = [sys.executable, "-m", "tasks.emails.mail.preview_process"]
    said = msgspec.json.encode(trial)
    try:
        booth = subprocess.run(  # noqa: S603 - this very program
            command, input=said, capture_output=True, timeout=TIMEOUT_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        raise InvalidField("template", f"takes longer than {TIMEOUT_SECONDS:.0f} s") from None
    if booth.returncode:
        raise InvalidField(
            "template",
            f"takes more than {MAX_CPU_SECONDS} s or {MAX_MEMORY_BYTES >> 20} MiB of memory, "
            "or is nested too deep",
        )
    tried = msgspec.json.decode(booth.stdout, type=PreviewResult)
    if tried.preview is None:
        raise InvalidField("template", tried.problem)
    return tried.preview


def main() -> int:
    """Try what stands on the standard input."""
    resource.setrlimit(resource.RLIMIT_CPU, (MAX_CPU_SECONDS, MAX_CPU_SECONDS + 1))
    resource.setrlimit(resource.RLIMIT_AS, (MAX_MEMORY_BYTES, MAX_MEMORY_BYTES))
    trial = msgspec.json.decode(sys.stdin.buffer.read(), type=PreviewRequest)
    try:
        tried = PreviewResult(preview=render_preview(trial))
    except MemoryError:
        return 1
    except ContinuoError as problem:
        tried = PreviewResult(problem=str(problem))
    sys.stdout.buffer.write(msgspec.json.encode(tried))
    return 0


def render_preview(trial: PreviewRequest) -> Preview:
    """The mail that the recipient would get, but that its link unsubscribes nobody."""
    template = trial.template
    link = unsubscribe.build_link(unsubscribe.PREVIEW_RECIPIENT)
    made = (
        templates.load_template(template)
        if isinstance(template, str)
        else templates.build_template(INLINE_NAME, template.files())
    )
    letter = made.render(**mime.build_template_values(trial.recipient, link, trial.data))
    raw = mime.build_unsigned_mail("preview", trial.recipient, letter, link)
    headers = email.message_from_bytes(raw, policy=email.policy.default).items()
    return Preview(
        subject=letter.subject,
        html=letter.html,
        text=letter.text,
        headers=[(name, str(value)) for name, value in headers],
        size=len(raw),
    )


if __name__ == "__main__":
    sys.exit(main())
