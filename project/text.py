"""Which characters a line of text may have: all but controls and those that turn its direction.

``str.isprintable`` refuses more: joiners inside emoji and Persian words, soft hyphens, special
spaces, and every character that is newer than this Python.
"""

import re

_NONCHARACTERS = "".join(
    chr(plane << 16 | last) for plane in range(17) for last in (0xFFFE, 0xFFFF)
)
_UNPRINTABLE = re.compile(
    "["
    "\x00-\x1f\x7f-\x9f"  # controls
    "\u2028\u2029"  # line and paragraph separators
    "\u202a-\u202e\u2066-\u2069"  # embeddings, overrides and isolates of direction
    "\ufff9-\ufffb"  # interlinear annotations
    "\ud800-\udfff"  # halves of characters
    f"\ufdd0-\ufdef{_NONCHARACTERS}"
    "]"
)


def is_line(text: str) -> bool:
    """Return whether a text is one line that shows all it has."""
    return _UNPRINTABLE.search(text) is None


def replace_unprintable(text: str, substitute: str = " ") -> str:
    """Replace each control and each character that turns the direction of the text."""
    return _UNPRINTABLE.sub(substitute, text)
