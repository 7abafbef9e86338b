"""``python -m continuo_client.command``: the command ``continuo``."""

import logging
import os
import sys
from collections.abc import Sequence

from continuo_client.command.arguments import parse_arguments
from continuo_client.command.outcomes import (
    ExitStatus,
    WrongUsage,
    describe_refusal,
)
from continuo_client.command.output import print_json
from continuo_client.errors import ContinuoError, Refused, UnknownKind

EXIT_INTERRUPTED = 130
EXIT_BROKEN_PIPE = 141


def run() -> None:
    """Run the command of this process, and exit with its status."""
    logging.basicConfig(format="continuo: %(message)s", level=logging.WARNING)
    logging.getLogger("continuo_client").setLevel(logging.INFO)
    sys.exit(main(sys.argv[1:]))


def main(words: Sequence[str]) -> int:
    """Run a command. Returns the exit status."""
    args = parse_arguments(words)
    try:
        return int(args.run(args))
    except Refused as refused:
        if args.as_json:
            print_json(refused.problem)
        return stop("\n".join(describe_refusal(refused)), ExitStatus.REFUSED)
    except (WrongUsage, UnknownKind) as error:
        return stop(str(error), ExitStatus.WRONG_USAGE)
    except ContinuoError as error:
        return stop(str(error), ExitStatus.UNREACHABLE)
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        # who read the output has ended; do not fail again when Python flushes it
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_BROKEN_PIPE


def stop(text: str, status: ExitStatus) -> int:
    """Say why the command cannot go on. Returns the exit status."""
    sys.stderr.write(f"continuo: {text}\n")
    return status


if __name__ == "__main__":
    run()
