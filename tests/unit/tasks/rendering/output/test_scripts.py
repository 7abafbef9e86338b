"""Whatever is in the data can be read in the PDF, in any script."""

import io
import re
from pathlib import Path

import msgspec
import pypdf
import pytest

from tasks.rendering.definitions.schema import RenderOrder
from tasks.rendering.output.formats import format_cell
from tasks.rendering.output.typefaces import choose_typefaces, describe_missing
from tasks.rendering.process import run_render_process
from tasks.reports.documents import build_report_order
from tests.support.pdf_content import used_fonts
from tests.support.scripts import SCRIPTS

NO_GLYPH = 0
"""The number of the box that a font shows for a character that it lacks."""
FAMILIES = 13


def order_scripts(folder: Path, *, archival: bool) -> RenderOrder:
    """A report of the type ``shop`` with a script as each product."""
    order = build_report_order("shop", {}, ["pdf", "html"], folder, archival=archival)
    values = ", ".join(
        f"(date '2026-05-01', '{text}', '{name}', 'Store', {place + 1}, 2.5, {place + 2}.5)"
        for place, (name, text) in enumerate(SCRIPTS.items())
    )
    sql = f"""
        select * from (values {values})
        as v (ordered, product, country, channel, quantity, price, paid)
        where $year is null and $country is null and $channel is null
    """  # noqa: S608 - our own words
    return msgspec.structs.replace(order, sql=sql)


@pytest.mark.parametrize("archival", [False, True], ids=["plain", "archival"])
def test_a_page_in_many_scripts_has_a_glyph_for_every_character(
    tmp_path: Path, archival: bool
) -> None:
    result = run_render_process(order_scripts(tmp_path, archival=archival))
    pdf = pypdf.PdfReader(io.BytesIO((tmp_path / result.files["pdf"]).read_bytes()))
    fonts = used_fonts(pdf)

    assert result.warnings == []
    assert [name for name, (_, glyphs) in fonts.items() if NO_GLYPH in glyphs] == []
    assert len({name.partition("+")[2].partition("-")[0] for name in fonts}) == FAMILIES


def test_a_page_is_equal_each_time(tmp_path: Path) -> None:
    pages = []
    for name in ("first", "second"):
        (folder := tmp_path / name).mkdir()
        result = run_render_process(order_scripts(folder, archival=False))
        pages.append((folder / result.files["pdf"]).read_bytes())

    assert pages[0] == pages[1]


@pytest.mark.parametrize(
    ("text", "families"),
    [
        ("Zoë Ωmega Київ 1,234.50 €", []),
        ("שלום", ["Noto Sans Hebrew"]),
        ("नमस्ते", ["Noto Sans Devanagari"]),
        ("東京タワー", ["Noto Sans CJK JP"]),
        ("서울 漢", ["Noto Sans CJK KR"]),
        ("北京 😀", ["Noto Emoji", "Noto Sans CJK SC"]),
    ],
)
def test_only_the_fonts_that_a_text_needs_are_read(text: str, families: list[str]) -> None:
    typefaces = choose_typefaces(text)

    assert typefaces.families == ["Inter", *families]
    assert typefaces.missing == []


def test_characters_without_a_glyph_are_listed() -> None:
    missing = choose_typefaces("Zoë 漢 𓀀 " + "".join(map(chr, range(0x13001, 0x1300C)))).missing

    assert describe_missing(missing) == [
        "The fonts of the PDF lack 𓀀 (U+13000), "
        + ", ".join(f"{chr(code)} (U+{code:04X})" for code in range(0x13001, 0x1300A))
        + " and 2 more; it shows boxes instead"
    ]


@pytest.mark.parametrize("name", ["Thai", "Arabic", "Devanagari", "Emoji"])
def test_words_that_a_break_would_change_get_none(name: str) -> None:
    word = re.sub(r"\s", "", SCRIPTS[name]) * 3

    assert format_cell(word) == word
