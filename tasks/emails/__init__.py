"""The kind ``email_blast``: one mail to each recipient of a list, each recipient at most once.

Here live the two tasks, the addresses, the import of recipients and ``send_mail`` for jobs of
one's own; ``mail`` builds one mail, ``delivery`` sends all of them, and ``bounces`` reads what
comes back.
May import: project, the brands of ``tasks.rendering``, and no other kind of job.
"""

from collections.abc import Sequence
from typing import Any

import tasks.emails.settings  # noqa: F401 - a wrong setting stops the worker at its start
from project.celery import app
from project.services import declare_service

declare_service("mail", "tasks.emails.delivery.server:check_mail_server")


def normalise_recipients(recipients: Sequence[object], field: str) -> list[Any]:
    """The recipients with normal addresses, each once. Raises ``InvalidField(field + "[3]")``."""
    from tasks.emails import addresses

    return addresses.normalise_recipients(recipients, field)


@app.retried_task(name="email_blast", normalise_recipients=staticmethod(normalise_recipients))
def send_email_blast(
    self: Any, recipients: list[Any], template: str, **options: Any
) -> dict[str, Any]:
    """Mail ``template`` to recipients that ``delivery.order.check_mailing`` has checked.

    ``options`` are further fields of ``delivery.order.MailingOrder``. The result is that of
    ``delivery.report.build_result``.
    """
    from tasks.emails.delivery.order import MailingOrder
    from tasks.emails.delivery.slices import run_leader_slice

    order = MailingOrder(self.request.id, recipients, template, **options)
    return run_leader_slice(self, order, help_with_blast)


@app.task(name="email_blast_help", bind=True)
def help_with_blast(self: Any, blast: str) -> str:
    """Mail a part of the large mailing with the id ``blast``, beside its own job; why it ended."""
    from tasks.emails.delivery.slices import run_helper_slice

    return run_helper_slice(self, blast)
