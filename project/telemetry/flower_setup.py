"""Flower, started right: bounded, persistent, and closed to strangers.

What is set here are defaults: ``FLOWER_...`` variables and options of the command win.
"""

import ipaddress
from typing import Any

from flower import urls
from flower.options import options
from flower.views.monitor import Healthcheck, Metrics
from tornado.web import authenticated

from project.errors import UnsafeStart
from project.settings.values import Settings, get_settings

UNPROTECTED_PAGES = (Metrics, Healthcheck)
"""Pages for which Flower never asks for a password."""


def prepare() -> None:
    """Set Flower up before it starts. Exits when strangers could use it."""
    apply_defaults(get_settings())
    protect_pages()
    try:
        refuse_public_without_password(options)
    except UnsafeStart as problem:
        raise SystemExit(f"flower: {problem}") from None


def apply_defaults(given: Settings) -> None:
    """Set Flower's options that are not set, and create the folder of its database."""
    given.data_dir.mkdir(parents=True, exist_ok=True)
    for name, (unset, value) in {
        "address": ("", "127.0.0.1"),
        "persistent": (False, True),
        "db": ("flower", str(given.data_dir / "flower.db")),
        "state_save_interval": (0, 10_000),
        "max_tasks": (100_000, 10_000),
        "max_workers": (5_000, 500),
        "purge_offline_workers": (None, 60),
    }.items():
        if getattr(options, name) == unset:
            setattr(options, name, value)


def protect_pages() -> None:
    """Let Flower ask for its password on every page, where it has one."""
    urls.handlers[:] = [
        (page[0], require_password(page[1]))
        if isinstance(page, tuple) and page[1] in UNPROTECTED_PAGES
        else page
        for page in urls.handlers
    ]


def require_password(page: Any) -> Any:
    """The page for those who may see the others."""

    class Closed(page):
        @authenticated
        async def get(self) -> None:
            await super().get()

    return Closed


def refuse_public_without_password(told: Any) -> None:
    """Raise ``UnsafeStart`` when others than this machine could use a Flower without a password."""
    if told.unix_socket or told.basic_auth or told.auth or is_loopback(told.address):
        return
    message = (
        f"FLOWER_ADDRESS={told.address} is reachable from outside and anybody could stop workers: "
        "set FLOWER_BASIC_AUTH=user:password, or listen on 127.0.0.1"
    )
    raise UnsafeStart(message)


def is_loopback(address: str) -> bool:
    """Whether only this machine can reach an address."""
    if address == "localhost":
        return True
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:  # a name: whatever it means elsewhere
        return False
