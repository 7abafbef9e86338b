"""Finds the characters that the fonts of a PDF lack; their place shows a box."""

import struct
from collections.abc import Sequence
from functools import cache
from pathlib import Path

FONT = Path(__file__).resolve().parent / "fonts" / "Inter-Regular.otf"
MAX_LISTED = 10
INVISIBLE = frozenset("\u00ad\u200b\u200c\u200d\u2060\ufe0e\ufe0f\ufeff")
"""Characters that need no glyph of their own."""
_RECORD = struct.Struct(">4s4xII")
_ENCODING = struct.Struct(">HHI")
_GROUP = struct.Struct(">II4x")
_UNICODE_FULL = (3, 10)
"""Platform and encoding of the table with all of Unicode, in format 12 of OpenType's cmap."""


def describe_missing_glyphs(text: str) -> Sequence[str]:
    """Return a warning with the characters of ``text`` that have no glyph; [] without any."""
    missing = sorted(set(text) - INVISIBLE - _read_characters(FONT))
    if not missing:
        return []
    listed = ", ".join(f"{each} (U+{ord(each):04X})" for each in missing[:MAX_LISTED])
    more = f" and {len(missing) - MAX_LISTED:,} more" if len(missing) > MAX_LISTED else ""
    return [f"The fonts of the PDF lack {listed}{more}; it shows boxes instead"]


@cache
def _read_characters(path: Path) -> frozenset[str]:
    """Return the characters that a font has, from its ``cmap`` table."""
    font = path.read_bytes()
    (count,) = struct.unpack_from(">H", font, 4)
    records = _RECORD.iter_unpack(font[12 : 12 + _RECORD.size * count])
    start = next(offset for tag, offset, _ in records if tag == b"cmap")
    (count,) = struct.unpack_from(">H", font, start + 2)
    encodings = _ENCODING.iter_unpack(font[start + 4 : start + 4 + _ENCODING.size * count])
    table = start + next(at for *kind, at in encodings if tuple(kind) == _UNICODE_FULL)
    (count,) = struct.unpack_from(">I", font, table + 12)
    groups = _GROUP.iter_unpack(font[table + 16 : table + 16 + _GROUP.size * count])
    return frozenset(chr(code) for first, last in groups for code in range(first, last + 1))
