"""Orders over the drivers and frameworks that people use, each in its own kinds of transactions."""

import asyncio
import os
from collections.abc import Iterator
from contextlib import suppress
from importlib import import_module
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import psycopg
import pytest
from continuo_client.outbox import aenqueue, enqueue

from project.celery import app
from tests.integration.relay.conftest import RelayDriver

PAYLOAD = {"x": 1, "y": 2}
VIEWS = "tests.support.apps.shop.views"
ALCHEMY_DRIVERS = {"psycopg": "postgresql+psycopg", "asyncpg": "postgresql+asyncpg"}


def require_package(name: str) -> Any:
    """Import a package of the test environment. Without it the test is skipped, in CI it fails."""
    return import_module(name) if os.environ.get("CI") else pytest.importorskip(name)


def has_job(job_id: UUID | str) -> bool:
    return app.AsyncResult(str(job_id)).record is not None


class Undo(Exception):
    """Rolls the transaction back that it leaves."""


# --- SQLAlchemy


@pytest.fixture
def engine(database: str) -> Iterator[Any]:
    engine = require_package("sqlalchemy").create_engine(
        database.replace("postgresql", ALCHEMY_DRIVERS["psycopg"])
    )
    yield engine
    engine.dispose()


def test_a_session_of_sqlalchemy_orders_what_it_commits(engine: Any, driver: RelayDriver) -> None:
    orm = require_package("sqlalchemy.orm")

    with orm.Session(engine) as session:
        kept = enqueue(session, "tests.add", PAYLOAD)
        with session.begin_nested() as savepoint:
            undone = enqueue(session, "tests.add", PAYLOAD)
            savepoint.rollback()
        with session.begin_nested():
            inner = enqueue(session, "tests.add", PAYLOAD)
        session.commit()
        rolled_back = enqueue(session, "tests.add", PAYLOAD)
        session.rollback()
    driver.work()

    assert [has_job(each) for each in (kept, inner)] == [True, True]
    assert [has_job(each) for each in (undone, rolled_back)] == [False, False]


def test_a_scoped_session_and_a_connection_of_sqlalchemy_order(
    engine: Any, driver: RelayDriver
) -> None:
    orm = require_package("sqlalchemy.orm")
    session = orm.scoped_session(orm.sessionmaker(engine))

    first = enqueue(session, "tests.add", PAYLOAD)
    session.commit()
    session.remove()
    with engine.begin() as connection:
        second = enqueue(connection, "tests.add", PAYLOAD)
    driver.work()

    assert has_job(first)
    assert has_job(second)


def test_two_phases_of_sqlalchemy_are_refused_and_order_nothing(
    engine: Any, driver: RelayDriver
) -> None:
    errors = require_package("sqlalchemy.exc")

    with engine.connect() as connection:
        transaction = connection.begin_twophase()
        job_id = enqueue(connection, "tests.add", PAYLOAD)
        with pytest.raises(errors.DBAPIError, match="NOTIFY"):
            transaction.prepare()
        connection.invalidate()
    driver.work()

    assert not has_job(job_id)


@pytest.mark.parametrize("dialect", ALCHEMY_DRIVERS)
def test_an_async_session_of_sqlalchemy_orders_what_it_commits(
    dialect: str, database: str, driver: RelayDriver
) -> None:
    asyncio_part = require_package("sqlalchemy.ext.asyncio")
    require_package(dialect)

    async def order() -> tuple[list[UUID], list[UUID]]:
        engine = asyncio_part.create_async_engine(
            database.replace("postgresql", ALCHEMY_DRIVERS[dialect])
        )
        async with asyncio_part.AsyncSession(engine) as session:
            async with session.begin():
                kept = await aenqueue(session, "tests.add", PAYLOAD, tags=["a"])
                async with session.begin_nested() as savepoint:
                    undone = await aenqueue(session, "tests.add", PAYLOAD)
                    await savepoint.rollback()
            rolled_back = await aenqueue(session, "tests.add", PAYLOAD)
            await session.rollback()
        async with engine.begin() as connection:
            plain = await aenqueue(connection, "tests.add", PAYLOAD)
        await engine.dispose()
        return [kept, plain], [undone, rolled_back]

    committed, lost = asyncio.run(order())
    driver.work()

    assert [has_job(each) for each in committed] == [True, True]
    assert [has_job(each) for each in lost] == [False, False]


@pytest.mark.parametrize("name", ["AsyncSession", "async_scoped_session"])
def test_a_session_for_event_loops_is_refused_where_it_would_order_nothing(name: str) -> None:
    part = require_package("sqlalchemy.ext.asyncio")
    factory = part.async_sessionmaker()
    session = factory() if name == "AsyncSession" else part.async_scoped_session(factory, id)

    with pytest.raises(TypeError, match="is asynchronous: await aenqueue"):
        enqueue(session, "tests.add", PAYLOAD)


def test_a_session_that_blocks_is_refused_on_an_event_loop_before_it_orders(
    engine: Any, connection: psycopg.Connection[Any]
) -> None:
    orm = require_package("sqlalchemy.orm")
    session = orm.scoped_session(orm.sessionmaker(engine))

    with pytest.raises(TypeError, match="a scoped_session blocks: call enqueue"):
        asyncio.run(aenqueue(session, "tests.add", PAYLOAD))
    session.commit()

    assert connection.execute("select count(*) from continuo_outbox").fetchone() == (0,)


# --- asyncpg


def test_a_connection_of_asyncpg_orders_what_it_commits(database: str, driver: RelayDriver) -> None:
    asyncpg = require_package("asyncpg")

    async def order() -> tuple[UUID, UUID]:
        connection = await asyncpg.connect(database)
        async with connection.transaction():
            kept = await aenqueue(connection, "tests.add", PAYLOAD)
            savepoint = connection.transaction()
            await savepoint.start()
            undone = await aenqueue(connection, "tests.add", PAYLOAD)
            await savepoint.rollback()
        await connection.close()
        return kept, undone

    kept, undone = asyncio.run(order())
    driver.work()

    assert (has_job(kept), has_job(undone)) == (True, False)


def test_a_connection_of_a_pool_of_asyncpg_orders(database: str, driver: RelayDriver) -> None:
    asyncpg = require_package("asyncpg")

    async def order() -> UUID:
        async with (
            asyncpg.create_pool(database, min_size=1) as pool,
            pool.acquire() as connection,
        ):
            return await aenqueue(connection, "tests.add", PAYLOAD)

    job_id = asyncio.run(order())
    driver.work()

    assert has_job(job_id)


# --- Django


@pytest.fixture(scope="module")
def django_settings(postgres: Any) -> None:
    """Django, set up once in this process."""
    conf = require_package("django.conf")
    parts = urlsplit(postgres.url)
    conf.settings.configure(
        ALLOWED_HOSTS=["*"],
        ROOT_URLCONF=VIEWS,
        INSTALLED_APPS=["tests.support.apps.shop"],
        DATABASES={
            "default": {
                "ENGINE": "django.db.backends.postgresql",
                "NAME": "postgres",
                "USER": parts.username,
                "HOST": parts.hostname,
                "PORT": str(parts.port),
                "ATOMIC_REQUESTS": True,
            }
        },
        LOGGING_CONFIG=None,
    )
    require_package("django").setup()


@pytest.fixture
def django_db(django_settings: None, database: str) -> Iterator[Any]:
    """``django.db``, with the database of the test."""
    db = import_module("django.db")
    yield db
    db.connections.close_all()


def test_the_migration_makes_the_outbox_and_removes_it(
    django_db: Any, connection: psycopg.Connection[Any]
) -> None:
    call = import_module("django.core.management").call_command
    lookup = "select to_regclass('continuo_outbox') is not null"
    connection.autocommit = True

    call("migrate", "shop", "zero", verbosity=0)
    connection.execute("drop table if exists continuo_outbox, continuo_outbox_refused")
    call("migrate", verbosity=0)
    assert connection.execute(lookup).fetchone() == (True,)
    job_id = enqueue(django_db.connection, "tests.add", PAYLOAD)
    assert connection.execute("select id from continuo_outbox").fetchone() == (job_id,)

    call("migrate", "shop", "zero", verbosity=0)
    assert connection.execute(lookup).fetchone() == (False,)


def test_django_orders_what_its_atomic_blocks_commit(django_db: Any, driver: RelayDriver) -> None:
    ids: dict[str, UUID] = {}

    def order(name: str) -> None:
        ids[name] = enqueue(django_db.connection, "tests.add", PAYLOAD, tags=["web"])

    with django_db.transaction.atomic():
        order("outer")
        with django_db.transaction.atomic():
            order("inner")
        with suppress(Undo), django_db.transaction.atomic():
            order("savepoint")
            raise Undo
    with suppress(Undo), django_db.transaction.atomic():
        with django_db.transaction.atomic():
            order("inner of undone")
        raise Undo
    order("autocommit")
    driver.work()

    found = {name for name, job_id in ids.items() if has_job(job_id)}
    assert found == {"outer", "inner", "autocommit"}


def test_a_connection_of_django_is_refused_on_an_event_loop(django_db: Any) -> None:
    with pytest.raises(TypeError, match="a ConnectionProxy blocks: call enqueue"):
        asyncio.run(aenqueue(django_db.connection, "tests.add", PAYLOAD))


@pytest.mark.parametrize(("path", "status"), [("/order", 202), ("/fail", 500)])
def test_a_request_of_django_orders_when_its_view_succeeds(
    path: str, status: int, django_db: Any, driver: RelayDriver
) -> None:
    client = import_module("django.test").Client(raise_request_exception=False)

    answer = client.get(path)
    driver.work()

    job_id = import_module(VIEWS).ORDERED[-1]
    assert answer.status_code == status
    assert has_job(job_id) is (status == 202)


# --- psycopg, and whatever speaks SQL


def test_a_pipeline_of_psycopg_orders(
    connection: psycopg.Connection[Any], driver: RelayDriver
) -> None:
    with connection.pipeline():
        ids = [enqueue(connection, "tests.add", PAYLOAD) for _ in range(3)]
    connection.commit()
    driver.work()

    assert [has_job(each) for each in ids] == [True] * 3


def test_an_async_connection_of_psycopg_orders_what_it_commits(
    database: str, driver: RelayDriver
) -> None:
    async def order() -> tuple[UUID, UUID]:
        async with await psycopg.AsyncConnection.connect(database) as connection:
            kept = await aenqueue(connection, "tests.add", PAYLOAD)
            async with connection.transaction() as savepoint:
                undone = await aenqueue(connection, "tests.add", PAYLOAD)
                raise psycopg.Rollback(savepoint)
        return kept, undone

    kept, undone = asyncio.run(order())
    driver.work()

    assert (has_job(kept), has_job(undone)) == (True, False)


def test_a_copy_into_a_table_with_a_trigger_orders_a_job_for_each_row(
    connection: psycopg.Connection[Any], driver: RelayDriver
) -> None:
    connection.execute("""
        create temp table invoices (number int);
        create function pg_temp.order_invoice() returns trigger language plpgsql as $$
        begin
            perform continuo_enqueue('tests.add', jsonb_build_object('x', new.number, 'y', 0));
            return null;
        end $$;
        create trigger order_invoice after insert on invoices
        for each row execute function pg_temp.order_invoice();
    """)
    with connection.cursor() as cursor, cursor.copy("copy invoices from stdin") as copy:
        for number in range(50):
            copy.write_row((number,))
    connection.commit()

    driver.work()

    assert driver.relay.store.client.llen("celery") == 50
