"""The text of quotas."""

import pytest

from project.settings.quotas import Quota, QuotaSettings, parse_quotas


def test_quotas_are_read_by_holder() -> None:
    text = "acme:pending=10,daily=100 ops:payload=2000  *:daily=5"

    assert parse_quotas(text) == {
        "acme": Quota(pending=10, daily=100),
        "ops": Quota(payload=2000),
        "*": Quota(daily=5),
    }


def test_a_tenant_is_looked_up_before_its_key_and_everybody_else_last() -> None:
    settings = QuotaSettings(CONTINUO_QUOTAS="acme:daily=1 ops:daily=2 *:daily=3")

    found = [settings.find(*who) for who in (("acme", "ops"), ("", "ops"), ("other", "ops"))]

    assert [quota.daily for quota in found] == [1, 2, 3]
    assert QuotaSettings().find("acme", "ops") == Quota()


@pytest.mark.parametrize(
    "text",
    [
        "acme",
        "acme:",
        "acme:pending",
        "acme:pending=-1",
        "acme:weekly=1",
        "acme:daily=1,daily=2",
        "acme:daily=1 acme:daily=2",
        "acme:daily=1000000001",
        "a:b:daily=1",
    ],
)
def test_other_texts_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"acme|a:b"):
        parse_quotas(text)
