"""``make check`` looks into each outbox, and says what workers would miss there."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from continuo_client.outbox import DROP_SCHEMA, SCHEMA

from project.relay import check
from project.relay.check import check_outbox
from project.services import ServiceFault
from project.settings.relay import RelaySettings, name_outbox
from tests.support.ports import find_free_port


def use(monkeypatch: pytest.MonkeyPatch, *urls: str) -> None:
    monkeypatch.setattr(
        check, "get_relay_settings", lambda: RelaySettings(outbox_url=" ".join(urls))
    )


@pytest.fixture
def role(connection: psycopg.Connection[Any], database: str) -> Iterator[str]:
    """The URL of a role that may not delete rows, nor see results."""
    connection.autocommit = True
    connection.execute("""
        create role relay login;
        grant select, update on continuo_outbox to relay;
        grant select, insert on continuo_outbox_refused to relay;
    """)
    yield database.replace("owner@", "relay@")
    connection.execute("drop owned by relay; drop role relay")


def test_without_outboxes_there_is_nothing_to_say(monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch)

    assert check_outbox() == ""


def test_an_outbox_that_can_be_relayed_is_named(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(monkeypatch, database)

    assert check_outbox() == f"{name_outbox(database)} can be relayed"


def test_missing_rights_are_named(role: str, monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, role)

    with pytest.raises(ServiceFault) as caught:
        check_outbox()

    assert str(caught.value) == (
        f"{name_outbox(role)}: the role may not delete on continuo_outbox; "
        "the role may not select, insert, update on continuo_results"
    )


def test_missing_tables_are_named(
    database: str, connection: psycopg.Connection[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    use(monkeypatch, database)
    connection.execute(DROP_SCHEMA)
    connection.commit()

    with pytest.raises(ServiceFault, match="there is no continuo_outbox: run the SQL of python"):
        check_outbox()

    connection.execute(SCHEMA)
    connection.commit()


def test_a_table_of_an_older_version_is_named(
    database: str, connection: psycopg.Connection[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    use(monkeypatch, database)
    connection.execute("alter table continuo_outbox drop column transaction")
    connection.commit()

    with pytest.raises(ServiceFault, match="continuo_outbox is of an older version: run the SQL"):
        check_outbox()

    connection.execute(SCHEMA)
    connection.commit()
    assert "can be relayed" in check_outbox()


def test_a_database_that_is_away_is_told_without_its_password(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    use(monkeypatch, f"postgresql://ada:correct-horse@127.0.0.1:{find_free_port()}/shop")

    with pytest.raises(ServiceFault, match="refused") as caught:
        check_outbox()

    assert "correct-horse" not in str(caught.value)
