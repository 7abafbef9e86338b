"""The examples in the guide about the clients."""

from tests.support.documents.guides import DOCS, parse_blocks

GUIDE = DOCS / "how-to" / "clients.md"


def read_example(language: str, url: str) -> str:
    """The example in a language, for the API at ``url``."""
    (code,) = [block.code for block in parse_blocks(GUIDE) if block.language == language]
    return code.replace("http://127.0.0.1:8000", url)
