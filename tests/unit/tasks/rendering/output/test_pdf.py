"""A PDF for the archive is one: what PDF/A-3a asks for, read out of the file (ISO 19005-3)."""

import io
from pathlib import Path
from typing import Any

import pypdf
import pytest

from project.artifacts import links
from tasks.rendering.process import run_render_process
from tasks.reports.documents import build_report_order
from tests.support.pdf_content import operations, used_fonts

FORBIDDEN = {
    "/JavaScript",
    "/JS",
    "/Launch",
    "/AA",
    "/OpenAction",
    "/Encrypt",
    "/XFA",
    "/LZWDecode",
}


@pytest.fixture(scope="module", params=["monthly", "departures", "shop"])
def archival(request: pytest.FixtureRequest) -> pypdf.PdfReader:
    """A report of a type, one with figures and charts, one that carries a file."""
    filters = {"departures": {"month": 2, "carrier": "UA"}}.get(request.param, {})
    with links.open_workshop() as folder:
        order = build_report_order(request.param, filters, ["pdf"], folder, archival=True)
        pdf = Path(folder, run_render_process(order).files["pdf"]).read_bytes()
    return pypdf.PdfReader(io.BytesIO(pdf))


def root(pdf: pypdf.PdfReader) -> Any:
    return pdf.trailer["/Root"]


def test_the_file_declares_its_standard(archival: pypdf.PdfReader) -> None:
    meta = root(archival)["/Metadata"].get_data()

    assert b"<pdfaid:part>3</pdfaid:part>" in meta
    assert b"<pdfaid:conformance>A</pdfaid:conformance>" in meta
    assert "/Filter" not in root(archival)["/Metadata"]


def test_the_file_embeds_its_colour_profile(archival: pypdf.PdfReader) -> None:
    (intent,) = root(archival)["/OutputIntents"]
    assert intent.get_object()["/S"] == "/GTS_PDFA1"

    profile = intent.get_object()["/DestOutputProfile"].get_object()
    assert profile["/N"] == 3
    assert profile.get_data()[36:40] == b"acsp"  # what every ICC profile has there


def test_the_file_embeds_its_fonts_and_its_text_can_be_extracted(archival: pypdf.PdfReader) -> None:
    fonts = used_fonts(archival)
    assert fonts
    for font, letters in fonts.values():
        (descendant,) = font["/DescendantFonts"]
        about = descendant.get_object()["/FontDescriptor"].get_object()
        assert about["/FontFile3"].get_object().get_data()
        assert font["/ToUnicode"].get_object().get_data()
        kept = about["/CIDSet"].get_object().get_data()
        assert letters
        assert all(kept[letter // 8] >> (7 - letter % 8) & 1 for letter in letters)


def test_the_file_is_tagged_with_its_language(archival: pypdf.PdfReader) -> None:
    assert root(archival)["/MarkInfo"]["/Marked"] == True  # noqa: E712 - a BooleanObject
    assert root(archival)["/StructTreeRoot"]["/K"]
    assert root(archival)["/Lang"] == "en"
    for page in archival.pages:
        depth = 0
        for _, operator in operations(archival, page):
            depth += {b"BDC": 1, b"BMC": 1, b"EMC": -1}.get(operator, 0)
            assert depth >= 0
        assert depth == 0


def test_the_file_has_no_scripts_and_no_hidden_content(archival: pypdf.PdfReader) -> None:
    for number in range(1, int(archival.trailer["/Size"])):
        thing = archival.get_object(number)
        if isinstance(thing, pypdf.generic.DictionaryObject):
            assert not FORBIDDEN & set(thing)
            assert thing.get("/Filter") not in FORBIDDEN

    assert "/ID" in archival.trailer
    assert "/Encrypt" not in archival.trailer


def test_an_attachment_declares_its_relationship(archival: pypdf.PdfReader) -> None:
    for attached in root(archival).get("/AF", []):
        about = attached.get_object()
        assert about["/AFRelationship"] == "/Data"
        assert about["/F"] == about["/UF"]
        assert about["/EF"]["/F"].get_object()["/Subtype"] == "/text/csv"
