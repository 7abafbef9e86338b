"""Renders a report as a PDF with Typst, in the default layout or that of the report type."""

import json
import os
import re
import shutil
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from tasks.rendering.output.typefaces import choose_typefaces, describe_missing

if TYPE_CHECKING:
    import typst

TEMPLATES_FOLDER = Path(__file__).resolve().parent
TEMPLATE = "report.typ"
LAYOUT_PATTERNS = ("*.typ", "*.svg", "*.png", "*.jpg")
"""Files in the folder of a report type that its template may use."""
TYPST_THREADS = "2"
"""By default Typst starts one thread per core in each render process."""
LOGO = "brand-logo"
MAX_SHORT_LINES = 60
"""A table with more lines is expected to need a cover."""
MIN_COVERED_PAGES = 3
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
    page: dict[str, Any],
    home: Path,
    folder: Path,
    attached: PdfAttachment | None,
    *,
    archival: bool,
    cover: bool | None = None,
) -> RenderedPdf:
    """Render a PDF, tagged for screen readers; with ``archival`` a PDF/A-3a.

    ``cover`` says whether the first page is a cover; None: when the rest has ``MIN_COVERED_PAGES``.
    Equal pages give equal bytes. Raises ``InvalidTemplate`` and ``TypstError``. The PDF is not
    PDF/UA, because Typst would refuse a page with a character that no font has.
    """
    typefaces = choose_typefaces(json.dumps(page, ensure_ascii=False))
    root = _build_layout(home, Path(page["brand"]["logo"]), folder / "layout")
    data = page | {"archival": archival, "fonts": typefaces.families, "logo": _find_logo(root)}
    compile_page = partial(_compile, _open_compiler(root, typefaces.folders), data, attached)
    has_cover = page["lines"] > MAX_SHORT_LINES if cover is None else cover
    pdf = compile_page(has_cover=has_cover)
    if cover is None and has_cover != (count_pages(pdf) - has_cover >= MIN_COVERED_PAGES):
        pdf = compile_page(has_cover=not has_cover)
    return RenderedPdf(pdf, describe_missing(typefaces.missing))


def _open_compiler(root: Path, font_folders: Sequence[Path]) -> "typst.Compiler":
    os.environ["RAYON_NUM_THREADS"] = TYPST_THREADS
    import typst

    fonts = typst.Fonts(include_system_fonts=False, font_paths=[*font_folders])
    return typst.Compiler(root / TEMPLATE, root=root, font_paths=fonts)


def _compile(
    compiler: "typst.Compiler",
    data: dict[str, Any],
    attached: PdfAttachment | None,
    *,
    has_cover: bool,
) -> bytes:
    inputs = {
        "page": json.dumps(data | {"cover": has_cover}),
        "attached": attached.text if attached else "",
    }
    pdf, warnings = compiler.compile_with_warnings(
        format="pdf",
        timestamp=EPOCH_SECONDS,
        pdf_standards=["a-3a"] if data["archival"] else [],
        sys_inputs=inputs,
    )
    if warnings or not isinstance(pdf, bytes):
        raise InvalidTemplate("; ".join(warning.message for warning in warnings))
    return pdf


def count_pages(pdf: bytes) -> int:
    """Return the number of pages of a PDF by Typst, from the root of its page tree."""
    root = re.search(rb"/Type/Pages\s*/Count (\d+)", pdf)
    return int(root[1]) if root else 0


def _build_layout(home: Path, logo: Path, root: Path) -> Path:
    """Copy our templates, those of the type and the logo into ``root``: all that Typst can read."""
    root.mkdir()
    for source in (TEMPLATES_FOLDER, home):
        for pattern in LAYOUT_PATTERNS:
            for file in source.glob(pattern):
                shutil.copyfile(file, root / file.name)
    if logo.suffix:
        shutil.copyfile(logo, root / f"{LOGO}{logo.suffix}")
    return root


def _find_logo(root: Path) -> str:
    return next((path.name for path in root.glob(f"{LOGO}.*")), "")
