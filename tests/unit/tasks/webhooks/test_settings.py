"""Settings of webhooks: what is refused, and what callbacks are signed with."""

import base64
from collections.abc import Iterator
from ipaddress import ip_network
from pathlib import Path

import pytest
from pydantic import ValidationError

from project.settings.groups import forget_settings
from tasks.webhooks.settings import WebhookSettings


@pytest.fixture(autouse=True)
def _settings_are_read_again(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    yield
    monkeypatch.undo()
    forget_settings()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("CONTINUO_WEBHOOK_SECRETS", "c2hvcnQ="),
        ("CONTINUO_WEBHOOK_SECRETS", "whsec_c2hvcnQ="),
        ("CONTINUO_WEBHOOK_SECRETS", "whsec_!"),
        ("CONTINUO_WEBHOOK_ALLOW", "10.0.0.1/8"),
        ("CONTINUO_WEBHOOK_ALLOW", "10.0.0.256"),
        ("CONTINUO_WEBHOOK_ALLOW", "http://db/"),
        ("CONTINUO_WEBHOOK_ALLOW", "*"),
        ("CONTINUO_WEBHOOK_ALLOW", "a b"),
    ],
)
def test_an_invalid_value_is_refused_with_its_variable(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)

    with pytest.raises(ValidationError, match=name) as refused:
        WebhookSettings()

    (error,) = refused.value.errors()
    assert error["loc"] == (name,)


def test_networks_and_host_names_are_distinguished(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONTINUO_WEBHOOK_ALLOW", "10.0.0.0/8,Api.Internal, ::1")
    networks = [ip_network("10.0.0.0/8"), ip_network("::1")]

    assert WebhookSettings().exceptions == (networks, ["api.internal"])


def test_callbacks_are_signed_with_every_configured_secret(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    keys = [bytes([number] * 24) for number in (1, 2)]
    texts = [f"whsec_{base64.b64encode(key).decode()}" for key in keys]
    monkeypatch.setenv("CONTINUO_WEBHOOK_SECRETS", ", ".join(texts))

    assert WebhookSettings().signing_keys == keys


def test_a_missing_callback_secret_is_created_and_kept(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("DATA_DIR", str(tmp_path))
    forget_settings()

    first, second = (WebhookSettings().signing_keys for _ in range(2))

    assert first == second
    assert len(first[0]) == 32
    assert (tmp_path / "webhook_secret").read_text().startswith("whsec_")
