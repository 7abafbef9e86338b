"""Renders a report as a PDF with Typst, in the default layout or that of the report type."""

import json
import os
import re
import shutil
from pathlib import Path
from typing import Any, NamedTuple

from tasks.rendering.output.typefaces import choose_typefaces, describe_missing

TEMPLATES_FOLDER = Path(__file__).resolve().parent
TEMPLATE = "report.typ"
LAYOUT_PATTERNS = ("*.typ", "*.svg", "*.png", "*.jpg")
"""Files in the folder of a report type that its template may use."""
TYPST_THREADS = "2"
"""By default Typst starts one thread per core in each render process."""
EPOCH_SECONDS = 315_532_800
"""1980-01-01. PDF/A needs a date; a fixed one keeps equal reports equal."""


class InvalidTemplate(Exception):
    """Typst warned about the template, for instance because a font is missing."""


class RenderedPdf(NamedTuple):
    """A PDF, and what it cannot show."""

    content: bytes
    warnings: list[str]


class PdfAttachment(NamedTuple):
    """A text file to attach to a PDF."""

    name: str
    text: str


def render_pdf(
    page: dict[str, Any], home: Path, folder: Path, attached: PdfAttachment | None, archival: bool
) -> RenderedPdf:
    """Render a PDF, tagged for screen readers; with ``archival`` a PDF/A-3a.

    Equal pages give equal bytes. Raises ``InvalidTemplate`` and ``TypstError``. The PDF is not
    PDF/UA, because Typst would refuse a page with a character that no font has.
    """
    os.environ["RAYON_NUM_THREADS"] = TYPST_THREADS
    import typst

    root = _build_layout(home, folder / "layout")
    typefaces = choose_typefaces(json.dumps(page, ensure_ascii=False))
    compiler = typst.Compiler(
        root / TEMPLATE,
        root=root,
        font_paths=typst.Fonts(include_system_fonts=False, font_paths=[*typefaces.folders]),
        sys_inputs={
            "page": json.dumps(page | {"archival": archival, "fonts": typefaces.families}),
            "attached": attached.text if attached else "",
        },
    )
    pdf, warnings = compiler.compile_with_warnings(
        format="pdf", timestamp=EPOCH_SECONDS, pdf_standards=["a-3a"] if archival else []
    )
    if warnings or not isinstance(pdf, bytes):
        raise InvalidTemplate("; ".join(warning.message for warning in warnings))
    return RenderedPdf(pdf, describe_missing(typefaces.missing))


def count_pages(pdf: bytes) -> int:
    """Return the number of pages of a PDF by Typst, from the root of its page tree."""
    root = re.search(rb"/Type/Pages\s*/Count (\d+)", pdf)
    return int(root[1]) if root else 0


def _build_layout(home: Path, root: Path) -> Path:
    """Copy our templates, then those of the type, into ``root``: all that Typst can read."""
    root.mkdir()
    for source in (TEMPLATES_FOLDER, home):
        for pattern in LAYOUT_PATTERNS:
            for file in source.glob(pattern):
                shutil.copyfile(file, root / file.name)
    return root
