import pytest
from pydantic import ValidationError

from tasks.rendering.settings import RenderingSettings
from tasks.reports.settings import ReportSettings


@pytest.mark.parametrize("value", ["1.1", "-0.1", "often"])
def test_the_fault_rate_must_be_from_0_to_1(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("CONTINUO_FAULT_RATE", value)

    with pytest.raises(ValidationError, match="CONTINUO_FAULT_RATE"):
        ReportSettings()


def test_an_empty_variable_counts_as_unset(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONTINUO_FAULT_RATE", "")

    assert ReportSettings().fault_rate == 0


def test_the_database_url_must_be_a_postgresql_url(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "mysql://db/reports")

    with pytest.raises(ValidationError, match="database_url"):
        RenderingSettings()
