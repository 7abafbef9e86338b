"""What the mail about a file is told, for tests of all templates."""

from typing import Any

from tasks.rendering import follow_up_mail

RESULT = {
    "download_url": "http://127.0.0.1:8000/artifacts/token",
    "filename": "departures-report.pdf",
    "pages": 1,
    "size": 1_234_567,
    "expires_at": 1_795_708_380,
}
ABOUT = follow_up_mail.ResultSummary("Departures", [("Covers", "May 2026")], 1_234)


def build_mail_data(**wishes: Any) -> dict[str, Any]:
    """What the template is told."""
    mail = follow_up_mail.Mail(["ada@example.org"], attach=False, **wishes)
    told: dict[str, Any] = follow_up_mail.build_arguments(mail, ABOUT, RESULT)["data"]
    return told
