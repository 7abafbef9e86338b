"""What the mail about a file says, and what may be said about it."""

from typing import Any

import pytest

from project.errors import InvalidField
from tasks.emails.mail import attachments
from tasks.exports import export_rows
from tasks.rendering import follow_up_mail
from tasks.rendering.settings import RenderingSettings
from tasks.reports import generate_report
from tests.support import mail_data


def test_the_mail_describes_the_file_and_the_expiry_of_its_link() -> None:
    assert dict(mail_data.build_mail_data()["facts"]) == {
        "Covers": "May 2026",
        "Made from": "1,234 rows",
        "File": "departures-report.pdf, 1 page, 1.2\xa0MB",
        "Link works until": "26 November 2026, 15:53 UTC",
    }


def test_the_subject_defaults_to_the_title() -> None:
    assert mail_data.build_mail_data()["headline"] == "Departures"
    assert mail_data.build_mail_data(subject="For Ada")["headline"] == "For Ada"


@pytest.mark.parametrize(
    ("size", "said"),
    [(0, "0 bytes"), (999, "999 bytes"), (1_000, "1 KB"), (1_500_000, "1.5 MB")],
)
def test_a_size_is_written_for_people(size: int, said: str) -> None:
    assert follow_up_mail.format_size(size).replace("\xa0", " ") == said


@pytest.mark.parametrize(
    "said", [{}, {"to": []}, {"to": "ada@x.org"}, {"to": ["a@x.org"], "cc": []}, {"to": [1]}]
)
def test_invalid_mail_options_are_refused(said: dict[str, Any]) -> None:
    for task in (generate_report, export_rows):
        with pytest.raises(InvalidField, match=r"^mail\."):
            task.message(kwargs={"type": "summary", "mail": said})


def test_the_addresses_of_a_mail_are_stored_in_their_normal_form() -> None:
    said = {"to": ["Ada@X.org", "ada@x.org"]}

    message = generate_report.message(kwargs={"mail": said})

    assert '"to":["Ada@x.org"]' in message.payload


def test_there_is_no_mail_without_the_kind_that_sends_it() -> None:
    with pytest.raises(InvalidField, match="mail: cannot be sent: this installation is without"):
        follow_up_mail.build_mail_argument(follow_up_mail.Mail(["a@x.org"]), {})


def test_the_limit_for_attached_files_is_the_limit_of_a_mail() -> None:
    limits = RenderingSettings.model_fields["attach_bytes"].metadata
    assert any(getattr(limit, "le", None) == attachments.MAX_ATTACHMENT_BYTES for limit in limits)
