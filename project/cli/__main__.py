"""``python -m project.cli``: the command ``continuo``."""

import os
import sys
from collections.abc import Sequence

from project.cli.arguments import parse_arguments
from project.cli.outcomes import ApiRefused, CommandStopped
from project.cli.output import print_json
from project.settings.checks import run_program

EXIT_INTERRUPTED = 130
EXIT_BROKEN_PIPE = 141


def main(words: Sequence[str]) -> int:
    """Run a command. Returns the exit status."""
    args = parse_arguments(words)
    try:
        return int(args.run(args))
    except CommandStopped as stopped:
        if isinstance(stopped, ApiRefused) and args.as_json:
            print_json(stopped.problem)
        sys.stderr.write(f"continuo: {stopped}\n")
        return stopped.status
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        # who read the output has ended; do not fail again when Python flushes it
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_BROKEN_PIPE


if __name__ == "__main__":
    run_program("continuo", lambda: main(sys.argv[1:]))
