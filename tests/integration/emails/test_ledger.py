"""The ledger of a blast in a real Valkey."""

from collections import Counter
from contextlib import closing

import pytest
import redis
from redis.backoff import ConstantBackoff
from redis.retry import Retry

from project.errors import TransientError
from project.settings.groups import forget_settings
from tasks.emails.delivery.ledger import RecipientOutcome, count_outcomes
from tests.support.mailings import ADA, BOB, TRIO, attempt, build_mailing
from tests.support.ports import find_free_port as free_port
from tests.support.servers.scripted_smtp import ScriptedSmtpServer


def test_two_deaths_and_a_takeover_leave_the_ledger_complete(keys: redis.Redis, job: str) -> None:
    first, second, third = (build_mailing(keys, job) for _ in range(3))
    assert first.claim(ADA)
    assert second.claim(ADA)
    assert not first.about_to_send(ADA)

    first.settle(ADA, RecipientOutcome.BOUNCED)
    assert count_outcomes(third.read_tally()) == Counter({RecipientOutcome.RETRY: 1})
    assert second.about_to_send(ADA)
    assert not third.claim(ADA)

    third.settle(ADA, RecipientOutcome.RETRY)
    assert count_outcomes(third.read_tally()) == Counter({RecipientOutcome.UNKNOWN: 1})
    second.settle(ADA, RecipientOutcome.SENT)
    second.settle(ADA, RecipientOutcome.RETRY)
    assert count_outcomes(third.read_tally()) == Counter({RecipientOutcome.SENT: 1})


def test_a_step_repeated_after_a_lost_answer_changes_nothing(keys: redis.Redis, job: str) -> None:
    ledger = build_mailing(keys, job)

    assert ledger.claim(ADA)
    assert ledger.claim(ADA)
    assert ledger.about_to_send(ADA)
    assert ledger.about_to_send(ADA)
    assert not ledger.claim(ADA)


@pytest.mark.parametrize(
    "outcome", [found for found in RecipientOutcome if found is not RecipientOutcome.RETRY]
)
def test_a_final_outcome_is_never_claimed_again(
    keys: redis.Redis, job: str, outcome: RecipientOutcome
) -> None:
    ledger = build_mailing(keys, job)
    ledger.claim(ADA)
    ledger.about_to_send(ADA)

    ledger.settle(ADA, outcome)

    assert not build_mailing(keys, job).claim(ADA)


def test_the_ledger_expires_long_after_the_last_claim(keys: redis.Redis, job: str) -> None:
    build_mailing(keys, job, keep_seconds=1_000).claim(ADA)
    build_mailing(keys, job, keep_seconds=9_000).claim(BOB)
    assert 8_990 < keys.ttl(f"continuo:mail:{job}") <= 9_000


def test_the_ledger_outlives_the_record(
    keys: redis.Redis, job: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RETENTION_FAILED", "99000000")
    forget_settings()
    build_mailing(keys, job).claim(ADA)
    monkeypatch.undo()
    forget_settings()

    assert keys.ttl(f"continuo:mail:{job}") > 99_000_000


def test_a_ledger_works_with_a_client_that_decodes_answers(keys: redis.Redis, job: str) -> None:
    port = keys.connection_pool.connection_kwargs["port"]
    with closing(redis.Redis(port=port, decode_responses=True)) as client:
        ledger = build_mailing(client, job)
        assert ledger.claim(ADA)
        assert count_outcomes(ledger.read_tally()) == Counter({RecipientOutcome.RETRY: 1})


def test_an_unreachable_or_full_valkey_fails_the_attempt_temporarily(
    server: ScriptedSmtpServer, keys: redis.Redis, job: str
) -> None:
    away = redis.Redis(port=free_port(), retry=Retry(ConstantBackoff(0), 0))
    with closing(away), pytest.raises(TransientError, match="the mail ledger cannot be used"):
        attempt(away, job, TRIO)

    keys.config_set("maxmemory", "1")
    try:
        with pytest.raises(TransientError, match="the mail ledger cannot be used"):
            attempt(keys, job, TRIO)
    finally:
        keys.config_set("maxmemory", "0")

    assert server.connections == 0
