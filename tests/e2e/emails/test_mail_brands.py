"""Mails of a system with a brand for all and one of a tenant."""

from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

from tests.support.brand_folders import write_brands
from tests.support.programs.system import System

KEYS = {name: f"{name.partition('@')[0]}-0123456789abcdef" for name in ("root", "one@acme")}
WAIT = {"Prefer": "wait=25"}


@pytest.fixture(scope="module")
def own_system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """A system with brands and a tenant."""
    system = System(tmp_path_factory.mktemp("brands"))
    system.http.headers["X-API-Key"] = KEYS["root"]
    system.start(
        CONTINUO_API_KEYS=",".join(f"{name}:{key}" for name, key in KEYS.items()),
        BRANDS_DIR=str(write_brands(system.folder / "brands")),
        MAIL_FROM="Nordlicht <news@mail.example.com>",
    )
    yield system
    system.close()


@pytest.fixture
def acme(own_system: System) -> Iterator[httpx2.Client]:
    headers = {"X-API-Key": KEYS["one@acme"]}
    with httpx2.Client(
        base_url=own_system.http.base_url, headers=headers, trust_env=False, timeout=40
    ) as client:
        yield client


def send(of: httpx2.Client, system: System, path: str, **order: Any) -> str:
    """Order a mail, wait for it, and return it as the mail sink has it."""
    record = of.post(path, json=order, headers=WAIT, timeout=40).json()
    assert record["status"] == "success", record
    newest = max((system.folder / "outbox").glob("*.eml"))
    return newest.read_text()


@pytest.mark.parametrize(
    ("path", "order"),
    [
        ("/emails", {"recipients": ["ada@example.com"], "template": "welcome"}),
        ("/emails/test", {"recipient": "ada@example.com", "template": "welcome"}),
    ],
)
def test_a_blast_and_a_test_mail_have_the_brand_of_their_tenant(
    own_system: System, acme: httpx2.Client, path: str, order: dict[str, Any]
) -> None:
    own = send(acme, own_system, path, **order)
    assert "Subject: Welcome to ACME" in own.replace("[Test] ", "")
    assert own.count("Content-ID: <brand-logo>") == 1

    common = send(own_system.http, own_system, path, **order)
    assert "Welcome to Nordlicht & Co" in common
    assert "Content-ID" not in common


def test_a_preview_shows_the_logo(own_system: System, acme: httpx2.Client) -> None:
    order = {"template": "welcome"}

    own = acme.post("/emails/preview", json=order, timeout=40).json()
    common = own_system.http.post("/emails/preview", json=order, timeout=40).json()

    assert 'src="data:image/png;base64,' in own["html"]
    assert "<img" not in common["html"]


def test_the_mail_sink_shows_the_logo(own_system: System, acme: httpx2.Client) -> None:
    send(acme, own_system, "/emails", recipients=["sink@example.com"], template="welcome")
    newest = max((own_system.folder / "outbox").glob("*.eml")).name

    page = own_system.http.get(f"/outbox/{newest}/html")

    assert 'src="data:image/png;base64,' in page.text
