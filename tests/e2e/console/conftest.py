"""A browser for the tests of a module, which look at the console."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.support.browsers.playwright_browser import launch_browser


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """One browser for all pages."""
    with launch_browser() as program:
        yield program
