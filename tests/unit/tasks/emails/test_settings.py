"""The settings of mails."""

import pytest
from pydantic import ValidationError

from tasks.emails.settings import MailSettings


def test_an_invalid_value_is_refused_and_names_its_variable(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CONTINUO_MAX_RECIPIENTS", "0")

    with pytest.raises(ValidationError) as refused:
        MailSettings()

    (fault,) = refused.value.errors()
    assert str(fault["loc"][0]).upper() == "CONTINUO_MAX_RECIPIENTS"
