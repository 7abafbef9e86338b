"""The outbox of one database, as a relay sees it: SQL, and nothing of jobs.

Importing psycopg costs a tenth of a second, so only workers with an outbox do it.
"""

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from project.relay.orders import OutboxRow

if TYPE_CHECKING:
    from types import TracebackType

CHANNEL = "continuo_outbox"
MAX_ROWS = 500
MAX_BYTES = 4_000_000
"""The most rows, and about the most bytes of payload, of one batch."""

CONNECT_SECONDS = 5
STATEMENT_SECONDS = 30
BATCH_SECONDS = 60
"""After so many seconds of silence PostgreSQL ends a transaction, for the next relay."""

LOCK = 0x436F6E74_696E756F
"""The advisory lock of the relay that works: one at a time, so rows keep their order."""

PREPARE = f"""
set statement_timeout = '{STATEMENT_SECONDS}s';
set idle_in_transaction_session_timeout = '{BATCH_SECONDS}s';
listen {CHANNEL}
"""

TAKE = """
with locked as materialized (
    select seq, id, kind, payload::text as payload, options::text as options, ordered_at
    from continuo_outbox where seq > %(after)s and seq <= %(until)s
    order by seq limit %(rows)s for update skip locked
), measured as (
    select *, octet_length(payload) as size,
        sum(octet_length(payload)) over (order by seq) - octet_length(payload) as before
    from locked
)
select seq, id::text, kind, case when size <= %(largest)s then payload end, options,
    extract(epoch from clock_timestamp() - ordered_at)::float8
from measured where before <= %(bytes)s order by seq
"""

BOUNDS = """
with unseen as materialized (  -- else min(seq) steps over all rows in the order of seq
    select seq from continuo_outbox where transaction >= %(next)s::text::xid8
    union all
    select seq from continuo_outbox where transaction = any(%(running)s::text[]::xid8[])
)
select pg_current_snapshot()::text, min(seq), max(seq) from unseen
"""

WHOLE_PASS_SECONDS = 60.0
"""After so long a pass begins with the first row: rows that somebody had locked come again."""

REFUSE = """
insert into continuo_outbox_refused (seq, id, kind, payload, options, ordered_at, reason)
select seq, id, kind, payload, options, ordered_at, reason
from continuo_outbox join unnest(%s::bigint[], %s::text[]) as refused (place, reason) on seq = place
"""

MAX_COUNTED = 100_000
MEASURE = """
select (select count(*) from (select from continuo_outbox limit %(most)s) as waiting),
    (select greatest(extract(epoch from clock_timestamp() - ordered_at), 0)::float8
        from continuo_outbox order by seq limit 1),
    (select count(*) from (select from continuo_outbox_refused limit %(most)s) as refused)
"""

DELETE = "delete from continuo_outbox where seq = any(%s::bigint[])"


class Backlog(NamedTuple):
    """What is in an outbox: rows that wait, the age of the first, rows that are put aside.

    At most ``MAX_COUNTED`` rows are counted. The age is in seconds, None when no row waits.
    """

    rows: int
    age: float | None
    refused: int


class Seen(NamedTuple):
    """What a look has seen: all transactions before ``next``, without those that were ``running``.

    Both are numbers of transactions, as texts.
    """

    next: str = "0"
    running: Sequence[str] = ()

    @classmethod
    def parse(cls, snapshot: str) -> Self:
        """Parse what PostgreSQL prints: ``10:20:10,14``."""
        _, upto, running = snapshot.split(":")
        return cls(upto, running.split(",") if running else ())


class Pass(NamedTuple):
    """A walk through the rows that were there when it began: after one sequence, until another.

    PostgreSQL cannot remove deleted rows while an older transaction is open, and who looks from the
    beginning steps over all of them. So a pass begins with the first row that the pass before could
    not see. A row that is committed behind it waits for the next pass, as does every row that was
    written since the pass began: so what was committed before another transaction wrote its first
    row still comes first.
    """

    after: int
    until: int


class Outbox:
    """A connection to an outbox. Raises the errors of psycopg."""

    def __init__(self, url: str) -> None:
        import psycopg

        self.connection: psycopg.Connection[Any] = psycopg.connect(
            url,
            autocommit=True,
            connect_timeout=CONNECT_SECONDS,
            application_name="continuo relay",
            target_session_attrs="read-write",
            keepalives_idle=10,
            keepalives_interval=5,
            keepalives_count=3,
            tcp_user_timeout=15_000,
        )
        self.connection.execute(PREPARE)
        self._pass: Pass | None = None
        self._seen = Seen()
        self._whole_pass_at = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: "TracebackType | None",
    ) -> None:
        self.connection.close()

    @contextmanager
    def take(self, largest: int) -> Iterator[list[OutboxRow]]:
        """Take the next rows, in a transaction that ends with the block.

        They are the first in the order of their sequence, without those that others have locked;
        none while another relay works. The payload of a row with more than ``largest`` bytes is
        None.
        """
        try:
            with self.connection.transaction():
                lock = self.connection.execute("select pg_try_advisory_xact_lock(%s)", [LOCK])
                yield self._take_next(largest) if lock.fetchone() == (True,) else []
        except BaseException:
            self.forget_seen()  # the rows are still there
            raise

    def forget_seen(self) -> None:
        """Look at all rows in the next pass."""
        self._pass, self._whole_pass_at = None, 0.0

    def _take_next(self, largest: int) -> list[OutboxRow]:
        rows = self._go_on(self._pass, largest) if self._pass else []
        if rows:
            return rows
        next_pass = self._begin_pass()
        return self._go_on(next_pass, largest) if next_pass else []

    def _begin_pass(self) -> Pass | None:
        now = time.monotonic()
        if now >= self._whole_pass_at:
            self._seen, self._whole_pass_at = Seen(), now + WHOLE_PASS_SECONDS
        wanted = {"next": self._seen.next, "running": list(self._seen.running)}
        (found,) = self.connection.execute(BOUNDS, wanted)
        snapshot, first, last = found
        self._seen = Seen.parse(snapshot)
        return None if first is None else Pass(first - 1, last)

    def _go_on(self, place: Pass, largest: int) -> list[OutboxRow]:
        limits = {"rows": MAX_ROWS, "bytes": MAX_BYTES, "largest": largest} | place._asdict()
        rows = [OutboxRow(*row) for row in self.connection.execute(TAKE, limits)]
        self._pass = Pass(rows[-1].seq, place.until) if rows else None
        return rows

    def refuse(self, reasons: Mapping[int, str]) -> None:
        """Put rows aside, with the reasons; they are still to be deleted."""
        texts = [text.replace("\0", "") for text in reasons.values()]
        self.connection.execute(REFUSE, [list(reasons), texts])

    def delete(self, rows: Iterable[OutboxRow]) -> None:
        """Delete rows."""
        self.connection.execute(DELETE, [[row.seq for row in rows]])

    def measure(self) -> Backlog:
        """Count the rows."""
        (found,) = self.connection.execute(MEASURE, {"most": MAX_COUNTED})
        return Backlog(*found)

    def wait(self, seconds: float) -> None:
        """Wait until somebody commits an order, at most these seconds."""
        for _ in self.connection.notifies(timeout=seconds, stop_after=1):
            pass
