"""What the pages of a PDF show: fonts, and the glyphs of each."""

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import pypdf
from pypdf.generic import ContentStream


def used_fonts(pdf: pypdf.PdfReader) -> dict[str, tuple[Any, set[int]]]:
    """The fonts by name: each with the numbers of the letters that pages show in it."""
    shown: dict[str, set[int]] = defaultdict(set)
    fonts: dict[str, Any] = {}
    for page in pdf.pages:
        here: dict[str, str] = {}
        for name, font in page["/Resources"].get("/Font", {}).items():
            here[name] = str(font.get_object()["/BaseFont"])
            fonts[here[name]] = font.get_object()
        for font_name, text in texts(pdf, page):
            pairs = zip(text[::2], text[1::2], strict=True)
            shown[here[font_name]] |= {high << 8 | low for high, low in pairs}
    return {name: (font, shown[name]) for name, font in fonts.items()}


def operations(pdf: pypdf.PdfReader, page: Any) -> list[tuple[Any, bytes]]:
    found: list[tuple[Any, bytes]] = ContentStream(page["/Contents"], pdf).operations
    return found


def texts(pdf: pypdf.PdfReader, page: Any) -> Iterator[tuple[str, bytes]]:
    """The font and the bytes of each text of a page."""
    font = ""
    for operands, operator in operations(pdf, page):
        if operator == b"Tf":
            font = str(operands[0])
        if operator in (b"Tj", b"TJ"):
            parts = operands[0] if operator == b"TJ" else operands
            for part in parts:
                if isinstance(
                    part, (pypdf.generic.TextStringObject, pypdf.generic.ByteStringObject)
                ):
                    yield font, part.original_bytes
