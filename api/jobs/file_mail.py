"""The mail that brings the file of a report or an export."""

from typing import Any

import msgspec

from tasks.emails import addresses
from tasks.rendering.follow_up_mail import Mail


def build_mail_argument(mail: Mail | None) -> dict[str, Any]:
    """The argument ``mail`` of the job, with normalised addresses; no argument without a mail.

    Raises ``InvalidField`` for the first invalid address (``mail.to[3]``).
    """
    if mail is None:
        return {}
    recipients = addresses.normalise_recipients(mail.to, "mail.to")
    return {"mail": msgspec.to_builtins(msgspec.structs.replace(mail, to=recipients))}
