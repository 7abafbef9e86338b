"""Text files in UTF-8: others are copied as UTF-8, because DuckDB reads nothing else."""

import codecs
import gzip
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from tasks.rendering.data.table_files import InvalidFile

BYTES_PER_READ = 1 << 20
_UTF_16_MARKS = {codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}
_FALLBACK = "cp1252"
"""The usual encoding of files that are not Unicode (Windows, western Europe)."""


class TextFile(NamedTuple):
    """A file in UTF-8, and the file that it was made from with its encoding."""

    path: Path
    original: Path
    encoding: str


def open_text(path: Path, scratch: Path) -> TextFile:
    """Return a text file that DuckDB can read; a copy in ``scratch`` if it is not UTF-8.

    Raises ``InvalidFile`` when the bytes are no text in UTF-8, UTF-16 or Windows-1252.
    """
    encoding = _detect_encoding(path)
    if encoding == "utf-8":
        return TextFile(path, path, encoding)
    scratch.mkdir(exist_ok=True)
    target = scratch / f"{len(list(scratch.iterdir()))}-{path.name.removesuffix('.gz')}"
    try:
        with target.open("w", encoding="utf-8", newline="") as copy:
            copy.writelines(_decode(path, encoding))
    except UnicodeDecodeError as error:
        raise InvalidFile(
            f"{path.name}: is neither UTF-8 nor {encoding} ({error.reason}); save it as UTF-8"
        ) from None
    return TextFile(target, path, encoding)


def _detect_encoding(path: Path) -> str:
    head = next(_read_blocks(path), b"")
    if encoding := _UTF_16_MARKS.get(head[:2]):
        return encoding
    if b"\0" in head[:200]:
        return "utf-16-le" if head[1:2] == b"\0" else "utf-16-be"
    with suppress(UnicodeDecodeError):
        for _ in _decode(path, "utf-8"):
            pass
        return "utf-8"
    return _FALLBACK


def _decode(path: Path, encoding: str) -> Iterator[str]:
    decoder = codecs.getincrementaldecoder(encoding)()
    is_start = True
    for block in _read_blocks(path):
        text = decoder.decode(block)
        yield text.removeprefix("\ufeff") if is_start else text
        is_start = False
    yield decoder.decode(b"", final=True)


def _read_blocks(path: Path) -> Iterator[bytes]:
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rb") as file:
        while block := file.read(BYTES_PER_READ):
            yield block
