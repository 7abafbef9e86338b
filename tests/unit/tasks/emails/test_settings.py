"""The settings of mails."""

import pytest
from pydantic import ValidationError

from tasks.emails.settings import MailSettings


@pytest.mark.parametrize(
    ("name", "value"),
    [("MAIL_FROM", "abc"), ("MAIL_TEMPLATES", "/nope"), ("CONTINUO_DKIM_KEY", "/nope"),
     ("CONTINUO_DKIM_KEY", __file__)],
)  # fmt: skip
def test_a_sender_a_folder_and_a_key_are_checked_at_the_start(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)

    with pytest.raises(ValidationError) as refused:
        MailSettings()

    (fault,) = refused.value.errors()
    assert str(fault["loc"][0]).upper() == name


def test_an_invalid_value_is_refused_and_names_its_variable(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CONTINUO_MAX_RECIPIENTS", "0")

    with pytest.raises(ValidationError) as refused:
        MailSettings()

    (fault,) = refused.value.errors()
    assert str(fault["loc"][0]).upper() == "CONTINUO_MAX_RECIPIENTS"
