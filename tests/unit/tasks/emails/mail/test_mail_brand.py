"""The brand in mails: name, logo, colours and footer."""

import email
import email.policy
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from project.settings.groups import forget_settings
from tasks.emails.mail import templates
from tasks.emails.mail.brand import (
    DARK_CARD,
    HOUSE,
    LOGO_URL,
    MAX_LOGO_BYTES,
    MIN_CONTRAST,
    WHITE,
    build_logo_data_url,
    choose_ink,
    compute_contrast,
    get_mail_brand,
    load_logo_part,
    mix,
    reach_contrast,
)
from tasks.emails.mail.compose import compose
from tasks.rendering.brands import load_brands
from tests.support import mail_data
from tests.support.brand_folders import LOGO, write_brands

COLORS = st.integers(0, 0xFFFFFF).map("#{:06x}".format)


@pytest.fixture
def brands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder of brands that the settings name."""
    folder = write_brands(tmp_path / "brands")
    monkeypatch.setenv("BRANDS_DIR", str(folder))
    forget()
    yield folder
    monkeypatch.undo()
    forget()


def forget() -> None:
    forget_settings()
    load_brands.cache_clear()


def parse(raw: bytes) -> EmailMessage:
    message = email.message_from_bytes(raw, policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    assert not message.defects
    return message


def body(message: EmailMessage, kind: str) -> str:
    part = message.get_body((kind,))
    assert part is not None
    return str(part.get_content())


def test_without_brands_mails_have_the_look_of_continuo() -> None:
    assert get_mail_brand("acme") == HOUSE
    assert load_logo_part("acme") == ""


@pytest.mark.usefixtures("brands")
def test_a_tenant_has_its_own_brand_and_the_others_that_for_all() -> None:
    own, common = get_mail_brand("acme"), get_mail_brand("other")

    assert (own.name, own.logo, own.footer) == ("ACME", LOGO_URL, "Nordlicht, 24103 Kiel")
    assert (common.name, common.logo, common.button) == ("Nordlicht & Co", "", "#12304f")
    assert common == get_mail_brand()


@pytest.mark.usefixtures("brands")
@pytest.mark.parametrize("name", templates.list_templates())
def test_every_shipped_template_shows_the_brand_and_not_ours(name: str) -> None:
    data = mail_data.build_mail_data()

    message = parse(compose("job", "ada@x.org", name, data))
    html, text = body(message, "html"), body(message, "plain")

    assert "Nordlicht &amp; Co" in html
    assert "#12304f" in html or name == "text"  # it has no button
    assert "Nordlicht & Co" in text
    assert "Nordlicht, 24103 Kiel" in html
    assert "Nordlicht, 24103 Kiel" in text
    assert "continuo" not in (html + text).lower().replace("continuo@localhost.localdomain", "")


@pytest.mark.usefixtures("brands")
@pytest.mark.parametrize("name", templates.list_templates())
def test_the_logo_is_a_part_of_the_mail(name: str) -> None:
    data = mail_data.build_mail_data()

    message = parse(compose("job", "ada@x.org", name, data, tenant="acme"))

    assert f'src="{LOGO_URL}"' in body(message, "html")
    images = [part for part in message.walk() if part.get_content_maintype() == "image"]
    assert [(part["Content-ID"], part.get_content()) for part in images] == [("<brand-logo>", LOGO)]
    assert not list(message.iter_attachments())


@pytest.mark.usefixtures("brands")
def test_a_mail_that_does_not_show_the_logo_does_not_carry_it() -> None:
    letter = {"subject": "s", "html": "<p>plain</p>", "text": "plain"}

    message = parse(compose("job", "ada@x.org", "any", letter=letter, tenant="acme"))

    assert [part.get_content_type() for part in message.walk()] == [
        "multipart/alternative",
        "text/plain",
        "text/html",
    ]


def test_a_logo_that_mails_cannot_show_is_left_out(brands: Path) -> None:
    large = LOGO + b"x" * MAX_LOGO_BYTES
    (brands / "acme" / "logo.png").write_bytes(large)

    assert get_mail_brand("acme").logo == ""
    assert load_logo_part("acme") == ""
    assert build_logo_data_url("acme") == ""


def test_an_svg_is_left_out_of_mails(brands: Path) -> None:
    (brands / "acme" / "logo.svg").write_text("<svg/>")
    (brands / "acme" / "brand.toml").write_text('logo = "logo.svg"')

    assert get_mail_brand("acme").logo == ""


@pytest.mark.usefixtures("brands")
def test_a_template_of_ones_own_gets_the_brand_without_asking_for_the_context() -> None:
    html = '{% from "pieces.html" import button %}{{ button("http://x.org", "Go") }}'

    template = templates.build_template("own", {"subject.txt": "s", "body.html": html})
    letter = template.render(**templates.build_values("ada@x.org", "http://x.org/u"))

    assert "#12304f" in letter.html


@given(COLORS, COLORS)
def test_a_color_becomes_readable_on_every_ground_that_is_light_or_dark(
    color: str, tint: str
) -> None:
    light, dark = mix(tint, WHITE, 0.88), mix(tint, DARK_CARD, 0.75)

    assert compute_contrast(reach_contrast(color, light, "#1d120a"), light) >= MIN_CONTRAST
    assert compute_contrast(reach_contrast(color, dark, WHITE), dark) >= MIN_CONTRAST


@given(COLORS)
def test_the_text_of_a_button_can_be_read_on_every_color(color: str) -> None:
    assert compute_contrast(choose_ink(color), color) >= 4.2


def test_contrast_is_that_of_wcag() -> None:
    assert compute_contrast("#ffffff", "#000000") == pytest.approx(21)
    assert compute_contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)
