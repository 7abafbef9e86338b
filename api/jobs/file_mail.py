"""What an order of a file says about the mail that brings it."""

from typing import Any

import msgspec

from tasks.emails import addresses
from tasks.rendering.follow_up_mail import Mail


def build_mail_argument(mail: Mail | None) -> dict[str, Any]:
    """It as an argument of the job, each address once, as it will be written to.

    Raises ``InvalidField`` for the first that is none, as ``mail.to[3]``.
    """
    if mail is None:
        return {}
    to = addresses.normalise_recipients(mail.to, "mail.to")
    return {"mail": msgspec.to_builtins(msgspec.structs.replace(mail, to=to))}
