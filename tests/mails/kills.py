"""Send a blast while its workers are killed, and judge the outcome."""

import random
import signal
import time
from collections import Counter
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from os import kill
from typing import Any

from project.records.record import TaskRecord
from project.store.client import Store
from project.store.commands import jobs, queries
from tasks.emails import send_email_blast
from tasks.emails.delivery.ledger import outcome_of
from tests.support.programs.processes import list_children
from tests.support.programs.workers import WorkerProgram, Workers
from tests.support.servers.scripted_smtp import ScriptedSmtpServer
from tests.support.waiting import wait_until

ACCEPT_SECONDS = 0.005
"""How long the server takes to accept a mail: a window for the kills."""

MAX_RUN_SECONDS = 240.0


@dataclass
class MailingResult:
    """The figures of one blast. ``doubt``: how many outcomes may be unknown."""

    recipients: int
    workers: int
    kills: int = 0
    doubt: int = 0
    revived: int = 0
    accepted: int = 0
    duplicates: int = 0
    outcomes: dict[str, int] = field(default_factory=dict)
    lies: list[str] = field(default_factory=list)
    seconds: float = 0.0
    result: Any = None

    def find_broken_promises(self) -> list[str]:
        """The broken promises."""
        promises = {
            "nobody is mailed twice": not self.duplicates,
            "every recipient has one outcome": sum(self.outcomes.values()) == self.recipients,
            "the outcomes are final": not {"waiting", "retry"} & self.outcomes.keys(),
            "unknown are at most one per connection and kill": self.unknown <= self.doubt,
            "sent were accepted, and no others but the unknown": not self.lies,
            "the result says the same": (self.result or {}).get("sent")
            == self.outcomes.get("sent"),
        }
        return [promise for promise, is_kept in promises.items() if not is_kept]

    @property
    def said(self) -> int:
        """The number of sent mails, from the record."""
        return int((self.result or {}).get("sent", -1))

    @property
    def unknown(self) -> int:
        """The number of mails whose delivery is unknown."""
        return self.outcomes.get("unknown", 0)

    def to_dict(self) -> dict[str, Any]:
        """The figures and the broken promises."""
        return asdict(self) | {"broken": self.find_broken_promises()}


class MailKillScene:
    """Workers on one Valkey, a mail server that keeps its mails, and one blast."""

    def __init__(self, workers: Workers, server: ScriptedSmtpServer, seed: int) -> None:
        self._chance = random.Random(seed)  # noqa: S311 - not a secret
        self._workers = workers
        self._server = server
        self._store = Store(workers.url)
        self._running: list[WorkerProgram] = []
        server.plan = lambda stage, _: time.sleep(ACCEPT_SECONDS) if stage == "dot" else None

    def run(self, recipients: int, workers: int, kills: int, pause: float) -> MailingResult:
        """Order the blast, kill ``kills`` times with a pause between, wait for the end."""
        figures = MailingResult(recipients, workers)
        self._running = [self._start_worker() for _ in range(workers)]
        for worker in self._running:
            worker.ready()
        people = [f"user{number}@example.org" for number in range(recipients)]
        started = time.monotonic()
        job_id = self._order(people)
        while figures.kills < kills and not self._is_over(job_id, figures):
            self._wait_for_mails(job_id, figures)
            time.sleep(self._chance.uniform(0, pause))
            figures.doubt += self._kill()
            figures.kills += 1
        wait_until(lambda: self._is_over(job_id, figures), MAX_RUN_SECONDS)
        figures.seconds = round(time.monotonic() - started, 1)
        self._judge(job_id, people, figures)
        self._store.close()
        return figures

    def _wait_for_mails(self, job_id: str, figures: MailingResult) -> None:
        taken = len(self._server.taken)
        wait_until(lambda: len(self._server.taken) > taken or self._is_over(job_id, figures), 60)

    def _start_worker(self) -> WorkerProgram:
        port = self._server.server_address[1]
        return self._workers.start(
            SMTP_URL=f"smtp://127.0.0.1:{port}", WORKER_CONCURRENCY="2", CONTINUO_MAIL_WORKERS="6"
        )

    def _order(self, people: list[str]) -> str:
        said = {"recipients": people, "template": "default"}
        message = send_email_blast.message(kwargs=said)
        self._store.run(jobs.enqueue(message))
        return str(message.id)

    def _kill(self) -> int:
        """Kill a pool process or a whole worker; returns the number of lost connections."""
        place = self._chance.randrange(len(self._running))
        worker = self._running[place]
        pool = list_children(worker.pid)
        if pool and self._chance.random() < 0.6:
            with suppress(ProcessLookupError):
                kill(self._chance.choice(pool), signal.SIGKILL)
            return 1
        worker.kill()
        self._running[place] = self._start_worker()
        return len(pool)

    def _is_over(self, job_id: str, figures: MailingResult) -> bool:
        """Whether the blast has succeeded; a failed one is rerun."""
        record = self._record(job_id)
        if record.status == "failed":
            assert "killed its worker" in record.error, record.error
            self._rerun(record)
            figures.revived += 1
        return record.status == "success"

    def _rerun(self, record: TaskRecord) -> None:
        args, kwargs = self._store.run(queries.read_payload(record.id))
        said = {"task_id": record.id, "retries": record.attempts, "max_retries": 20}
        message = send_email_blast.build(args, kwargs, **said)
        self._store.run(jobs.rerun(message, attempts=record.attempts))

    def _record(self, job_id: str) -> TaskRecord:
        record = self._store.run(queries.read_record(job_id))
        assert record is not None
        return record

    def _judge(self, job_id: str, people: list[str], figures: MailingResult) -> None:
        states = self._store.client.hgetall(f"continuo:mail:{job_id}")
        outcomes = {who.decode(): outcome_of(state.decode()) for who, state in states.items()}
        times = self._server.times
        figures.accepted = len(self._server.taken)
        figures.duplicates = sum(count - 1 for count in times.values())
        figures.outcomes = dict(Counter(outcomes[one] for one in people if one in outcomes))
        figures.result = self._record(job_id).result
        figures.lies = [
            one
            for one in people
            if outcomes.get(one) != "unknown" and (outcomes.get(one) == "sent") != (one in times)
        ]
