"""The shipped mails in a real browser, as wide as on a inspector and as narrow as on a phone."""

from collections.abc import Iterator
from html import escape
from pathlib import Path
from typing import Any

import pytest

from tasks.emails.mail import templates, unsubscribe
from tests.support import mail_data
from tests.support.browsers.chromium import ServedPage, open_browser, serve_page
from tests.support.waiting import wait_until

WIDTHS = (800, 375, 320)
LONG = "a.very.long.name.that.nobody.can.break@a-domain-that-is-long-too.example.com"
DATA = {
    "headline": "Supercalifragilisticexpialidocious & more",
    "items": [{"title": "x" * 60, "text": "https://example.com/" + "y" * 80}] * 2,
}
FRAME = '<iframe title="{title}" width="{width}" height="900" srcdoc="{html}"></iframe>'
SCRIPT = """
<script>
  const measure = (frame) => {
    const root = frame.contentDocument.documentElement;
    return {
      name: frame.title, width: frame.clientWidth, needs: root.scrollWidth,
      text: root.innerText,
    };
  };
  onload = () => fetch("/", {
    method: "POST", body: JSON.stringify([...document.querySelectorAll("iframe")].map(measure)),
  });
</script>
"""


@pytest.fixture(scope="module")
def page() -> Iterator[ServedPage]:
    with serve_page() as page:
        yield page


def frames() -> Iterator[str]:
    """Every template at every width."""
    values = templates.build_values(
        LONG, unsubscribe.build_link(LONG), mail_data.build_mail_data() | DATA
    )
    for name in templates.list_templates():
        html = escape(templates.load_template(name).render(**values).html)
        yield from (FRAME.format(title=name, width=width, html=html) for width in WIDTHS)


def test_every_shipped_mail_fits_a_desktop_and_a_phone(page: ServedPage, tmp_path: Path) -> None:
    style = "<style>iframe { border: 0; display: block }</style>"
    page.html = f"<!doctype html>{style}{''.join(frames())}{SCRIPT}"

    with open_browser(page, tmp_path):
        wait_until(lambda: page.reports, 60)
    (seen,) = page.reports

    assert len(seen) == len(templates.list_templates()) * len(WIDTHS)
    assert [too_wide(one) for one in seen if one["needs"] > one["width"]] == []
    assert [one["name"] for one in seen if "Unsubscribe" not in one["text"]] == []


def too_wide(seen: dict[str, Any]) -> str:
    return f"{seen['name']} needs {seen['needs']} of {seen['width']} pixels"
