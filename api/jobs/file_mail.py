"""The ``mail`` of an order for a file: the mail that delivers the file."""

from typing import Any

import msgspec

from tasks.emails import addresses
from tasks.rendering.follow_up_mail import Mail


def build_mail_argument(mail: Mail) -> dict[str, Any]:
    """The argument ``mail`` of the job, with normalised addresses, each once.

    Raises ``InvalidField`` for the first address that is not valid, as ``mail.to[3]``.
    """
    to = addresses.normalise_recipients(mail.to, "mail.to")
    plain: dict[str, Any] = msgspec.to_builtins(msgspec.structs.replace(mail, to=to))
    return plain
