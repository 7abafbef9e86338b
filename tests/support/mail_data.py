"""What the mail about a file is told, for tests of all templates."""

from typing import Any

from tasks.press import mailing

RESULT = {
    "download_url": "http://127.0.0.1:8000/artifacts/token",
    "filename": "departures-report.pdf",
    "pages": 1,
    "size": 1_234_567,
    "expires_at": 1_795_708_380,
}
ABOUT = mailing.About("Departures", [("Covers", "May 2026")], 1_234)


def data(**wishes: Any) -> dict[str, Any]:
    """What the template is told."""
    mail = mailing.Mail(["ada@example.org"], attach=False, **wishes)
    told: dict[str, Any] = mailing.call(mail, ABOUT, RESULT)["data"]
    return told
