"""The command line: ``python -m continuo_client.generate URL > kinds.py``."""

import argparse
import os
import sys

from continuo_client.client import Client
from continuo_client.errors import ContinuoError
from continuo_client.generate.module import write_module

EXIT_WRONG_USAGE, EXIT_REFUSED = 2, 1


def main() -> int:
    """Write the module to stdout. Returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m continuo_client.generate",
        description="Write a module with the types of the kinds that an API offers.",
    )
    parser.add_argument("url", metavar="URL", help="URL of the API")
    args = parser.parse_args()
    try:
        with Client(args.url, os.environ.get("CONTINUO_KEY", "")) as client:
            text = write_module(client.call("GET", "/openapi.json"), client.kinds())
    except ValueError as error:
        parser.error(str(error))
    except ContinuoError as error:
        sys.stderr.write(f"{error}\n")
        return EXIT_REFUSED
    sys.stdout.write(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
