"""Brands: for all, by tenant, and what is wrong with them."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from tasks.rendering.brands import MAX_LOGO_BYTES, Brand, find_brand, load_brands
from tasks.rendering.settings import RenderingSettings

COMMON = 'name = "Nordlicht"\ncolor = "#0b7a4b"\nfooter = "Nordlicht GmbH, Hamburg"\n'
LOGO = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"/>'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A brand for all, and one of the tenant ``acme``."""
    (tmp_path / "acme").mkdir()
    (tmp_path / "brand.toml").write_text(COMMON)
    (tmp_path / "acme" / "brand.toml").write_text('name = "Acme"\nlogo = "logo.svg"\n')
    (tmp_path / "acme" / "logo.svg").write_text(LOGO)
    return tmp_path


def test_a_tenant_has_its_own_brand_and_the_rest_of_that_for_all(folder: Path) -> None:
    acme = find_brand(str(folder), "acme")

    assert acme == Brand(
        name="Acme",
        logo=str((folder / "acme" / "logo.svg").resolve()),
        color="#0b7a4b",
        footer="Nordlicht GmbH, Hamburg",
    )


@pytest.mark.parametrize("tenant", ["", "other", "../acme", "acme/.."])
def test_others_have_the_brand_for_all(folder: Path, tenant: str) -> None:
    assert find_brand(str(folder), tenant).name == "Nordlicht"


def test_without_a_folder_the_brand_is_ours() -> None:
    assert find_brand("", "acme") == Brand()


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('color = "red"', r"acme/brand\.toml: .*color"),
        ('name = ""', "name"),
        ('colour = "#000000"', "colour"),
        ('logo = "../logo.svg"', "logo: must be a file of .svg, .png, .jpg"),
        ('logo = "logo.gif"', "logo: must be a file of"),
        ('logo = "none.png"', "logo: must be a file of"),
        ('logo = "large.png"', "logo: must have at most 500,000 bytes"),
        ("name = ", r"acme/brand\.toml"),
    ],
)
def test_a_wrong_brand_stops_the_start_and_is_named(
    folder: Path, monkeypatch: pytest.MonkeyPatch, text: str, problem: str
) -> None:
    (folder / "acme" / "large.png").write_bytes(b"." * (MAX_LOGO_BYTES + 1))
    (folder / "acme" / "brand.toml").write_text(text)
    monkeypatch.setenv("BRANDS_DIR", str(folder))

    with pytest.raises(ValueError, match=problem):
        load_brands(str(folder))
    with pytest.raises(ValidationError, match="brands_dir"):
        RenderingSettings()


def test_a_folder_that_does_not_exist_stops_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BRANDS_DIR", "/does/not/exist")

    with pytest.raises(ValidationError, match="must be a folder"):
        RenderingSettings()
