"""Record the bounce in a mail: ``python -m tasks.emails.bounces < mail``.

For the mail server, as a pipe of the mailbox of MAIL_FROM. The exit status is one of
``sysexits.h``: 0 when the mail was recorded or is no bounce, 65 when it was refused, 75 when Redis
cannot be reached and the mail server should try again.
"""

import os
import sys

from project.celery import app
from project.errors import StoreUnavailable
from tasks.emails.bounces.dsn import MAX_MAIL_BYTES, receive_mail
from tasks.emails.bounces.report import IntakeRefused


def main() -> int:
    """Read the mail from standard input."""
    raw = sys.stdin.buffer.read(MAX_MAIL_BYTES)
    while sys.stdin.buffer.read(MAX_MAIL_BYTES):  # the mail server waits until all is read
        pass
    try:
        result = receive_mail(app.store, raw)
    except IntakeRefused as refused:
        sys.stderr.write(f"refused: {refused}\n")
        return os.EX_DATAERR
    except StoreUnavailable as problem:
        sys.stderr.write(f"try again: {problem}\n")
        return os.EX_TEMPFAIL
    counts = (f"{count} {name}" for name, count in result._asdict().items() if count)
    sys.stdout.write(f"{', '.join(counts)}\n")
    return os.EX_OK


if __name__ == "__main__":
    sys.exit(main())
