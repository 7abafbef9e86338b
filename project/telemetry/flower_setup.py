"""Safe defaults for Flower: bounded memory, persistent data, not reachable from other machines.

``FLOWER_...`` variables and command-line options override them.
"""

import ipaddress
from typing import Any

from flower import urls
from flower.options import options
from flower.views.monitor import Healthcheck, Metrics
from tornado.web import authenticated

from project.errors import LoginRefused, UnsafeStart
from project.settings.values import Settings, get_settings
from project.store.startup import require_login
from project.telemetry.flower_links import link_pages

UNPROTECTED_PAGES = (Metrics, Healthcheck)
"""Pages for which Flower never asks for a password."""


def prepare() -> None:
    """Set Flower up before it starts. Exits when other machines could use it without a password."""
    apply_defaults(get_settings())
    protect_pages()
    link_pages(get_settings().base_url)
    try:
        refuse_public_without_password(options)
        require_login(get_settings().store_url)
    except (UnsafeStart, LoginRefused) as problem:
        raise SystemExit(f"flower: {problem}") from None


def apply_defaults(settings: Settings) -> None:
    """Set Flower's options that are not set, and create the folder of its database."""
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    for name, (unset, value) in {
        "address": ("", "127.0.0.1"),
        "persistent": (False, True),
        "db": ("flower", str(settings.data_dir / "flower.db")),
        "state_save_interval": (0, 10_000),
        "max_tasks": (100_000, 10_000),
        "max_workers": (5_000, 500),
        "purge_offline_workers": (None, 60),
    }.items():
        if getattr(options, name) == unset:
            setattr(options, name, value)


def protect_pages() -> None:
    """Protect the pages for which Flower would not ask for its password."""
    urls.handlers[:] = [
        (page[0], require_password(page[1]))
        if isinstance(page, tuple) and page[1] in UNPROTECTED_PAGES
        else page
        for page in urls.handlers
    ]


def require_password(page: Any) -> Any:
    """Derive a page that asks for the password."""

    class Closed(page):
        @authenticated
        async def get(self) -> None:
            await super().get()

    return Closed


def refuse_public_without_password(options: Any) -> None:
    """Raise ``UnsafeStart`` when other machines can use Flower without a password."""
    has_password = options.basic_auth or options.auth
    if has_password or options.unix_socket or is_loopback(options.address):
        return
    message = (
        f"FLOWER_ADDRESS={options.address} is reachable from outside; anyone could stop workers: "
        "set FLOWER_BASIC_AUTH=user:password, or listen on 127.0.0.1"
    )
    raise UnsafeStart(message)


def is_loopback(address: str) -> bool:
    """Whether only this machine can reach an address; False for a name it cannot judge."""
    if address == "localhost":
        return True
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:  # a host name
        return False
