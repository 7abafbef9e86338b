"""``python -m continuo_client.outbox sql``: print the SQL of the outbox; ``drop`` removes it."""

import argparse
import sys

from continuo_client.outbox import DROP_SCHEMA, SCHEMA

TEXTS = {"sql": SCHEMA, "drop": DROP_SCHEMA}


def main() -> None:
    """Print what is asked for."""
    parser = argparse.ArgumentParser("python -m continuo_client.outbox", description=__doc__)
    parser.add_argument("what", choices=TEXTS, help="sql: create the outbox; drop: remove it")
    sys.stdout.write(TEXTS[parser.parse_args().what])


if __name__ == "__main__":
    main()
