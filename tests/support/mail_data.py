"""Data for every shipped template: that of the mail about a file, and a text."""

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


def build_mail_data(**options: Any) -> dict[str, Any]:
    """Template data, of a mail with these options of ``follow_up_mail.Mail``."""
    mail = follow_up_mail.Mail(["ada@example.org"], attach=False, **options)
    data: dict[str, Any] = follow_up_mail.build_arguments(mail, ABOUT, RESULT)["data"]
    return data | {"text": "One paragraph.\n\nAnother."}
