"""Debian's Chromium, driven through Playwright."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.support.browsers.chromium import CHROMIUM_OPTIONS

TIMEOUT_SECONDS = 30.0
WINDOW_SIZES = {"wide": (1280, 900), "phone": (390, 844)}

expect.set_options(timeout=TIMEOUT_SECONDS * 1000)


@contextmanager
def launch_browser() -> Iterator[Browser]:
    """Launch Chromium. Without Chromium the test is skipped, in CI it fails."""
    chromium = shutil.which("chromium")
    if chromium is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)("chromium is not installed")
    with sync_playwright() as playwright:
        options = [option for option in CHROMIUM_OPTIONS if not option.startswith("--headless")]
        program = playwright.chromium.launch(executable_path=chromium, args=options)
        yield program
        program.close()


@contextmanager
def visit_page(
    browser: Browser, url: str, *, scheme: str = "light", size: str = "wide", zone: str = "UTC"
) -> Iterator[Page]:
    """Open ``url`` in a new window. Fails at the end when a script of the page has failed."""
    width, height = WINDOW_SIZES[size]
    window = browser.new_context(
        base_url=url,
        color_scheme=scheme,
        timezone_id=zone,
        viewport={"width": width, "height": height},
    )
    window.set_default_timeout(TIMEOUT_SECONDS * 1000)
    page = window.new_page()
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.goto("/")
    yield page
    window.close()
    assert not wrong


def find_barriers(page: Page) -> list[str]:
    """List the accessibility violations that axe-core finds on the page."""
    found = Axe().run(page).response["violations"]
    return [f"{one['id']}: {node['html']}" for one in found for node in one["nodes"]]
