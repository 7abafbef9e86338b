"""The characters that a font has, from its ``cmap`` table (OpenType, formats 4 and 12)."""

import mmap
import struct
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from struct import unpack_from

type FontBytes = bytes | mmap.mmap

_COLLECTION = b"ttcf"
_RECORD = struct.Struct(">4s4xII")
_ENCODING = struct.Struct(">HHI")
_GROUP = struct.Struct(">II4x")
_WINDOWS = 3
_BASIC_PLANE, _FULL_RANGE = 1, 10
"""Encodings of the platform Windows: a table in format 4, and one in format 12."""
_LAST_CODE = 0xFFFF
"""Ends the segments of format 4, and is no character."""


@cache
def read_characters(path: Path) -> frozenset[str]:
    """Return the characters of a font file; of a collection, those of its first font."""
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as font:
        start = _find_character_map(font)
        (form,) = unpack_from(">H", font, start)
        ranges = _read_groups(font, start) if form == 12 else _read_segments(font, start)  # noqa: PLR2004 - a format
        return frozenset(chr(code) for first, last in ranges for code in range(first, last + 1))


def _find_character_map(font: FontBytes) -> int:
    """Return the place of the best table of characters. Raises ``KeyError`` without one."""
    at: int = unpack_from(">I", font, 12)[0] if font[:4] == _COLLECTION else 0
    (count,) = unpack_from(">H", font, at + 4)
    records = _RECORD.iter_unpack(font[at + 12 : at + 12 + _RECORD.size * count])
    start: int = next(offset for tag, offset, _ in records if tag == b"cmap")
    (count,) = unpack_from(">H", font, start + 2)
    encodings = _ENCODING.iter_unpack(font[start + 4 : start + 4 + _ENCODING.size * count])
    places: dict[int, int] = {
        name: start + place for platform, name, place in encodings if platform == _WINDOWS
    }
    return places.get(_FULL_RANGE) or places[_BASIC_PLANE]


def _read_groups(font: FontBytes, start: int) -> Iterator[tuple[int, int]]:
    """Yield the ranges of format 12."""
    (count,) = unpack_from(">I", font, start + 12)
    yield from _GROUP.iter_unpack(font[start + 16 : start + 16 + _GROUP.size * count])


def _read_segments(font: FontBytes, start: int) -> Iterator[tuple[int, int]]:
    """Yield the ranges of format 4."""
    (size,) = unpack_from(">H", font, start + 6)
    lasts = unpack_from(f">{size // 2}H", font, start + 14)
    firsts = unpack_from(f">{size // 2}H", font, start + 16 + size)
    for first, last in zip(firsts, lasts, strict=True):
        if last != _LAST_CODE:
            yield first, last
