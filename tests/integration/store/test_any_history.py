"""Whatever happens to jobs, in whatever order: one final state each, told once; lists are true."""

from collections import Counter
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from project.records.grouping import queue_of
from project.records.record import FINAL_STATUSES, TaskStatus
from project.store.client import Store
from project.store.commands import (
    attempts,
    maintenance,
    queries,
    queues,
    statistics,
    waits,
    workers,
)
from project.store.commands import jobs as job_commands
from project.store.commands import message as message_commands
from project.store.commands.attempts import CancelResult, StartResult, Verdict
from project.store.commands.message import Message
from project.store.commands.queries import RecordFilter
from project.store.commands.waits import SignalResult, WaitAnswer, WaitQuestion, WaitStage

CALLBACK = Message(message_commands.ID_PLACEHOLDER, "callback", "celery", "m", "[]", 10)
TOKENS = st.sampled_from(["w1", "w2"])
QUEUES = st.sampled_from(["celery", "slow"])
MARKS = st.tuples(st.sets(st.sampled_from(["a", "b"])).map(tuple), st.sampled_from(["", "c"]))


class Histories(RuleBasedStateMachine):
    """Jobs, two workers, and messages that are delivered late, twice or out of order."""

    jobs: Bundle[str] = Bundle("jobs")

    def __init__(self, store: Store) -> None:
        super().__init__()
        self.store = store
        self.count = 0
        self.final: dict[str, TaskStatus] = {}
        self.finishes: Counter[str] = Counter()
        self.response_headers: set[str] = set()
        self.deliveries = 0
        self.wishes: dict[str, str] = {}
        self.paused: set[str] = set()
        self.serial = 0
        self.waits_ended: dict[tuple[str, str, int], WaitAnswer] = {}
        self.reruns: Counter[str] = Counter()

    @initialize()
    def begin(self) -> None:
        self.store.client.flushall()
        self.store.run(workers.renew_lease("w", 60, {"slots": 1}, first=True))

    @rule(target=jobs, queue=QUEUES, marks=MARKS, callback=st.sampled_from([None, CALLBACK]))
    def enqueue(
        self, queue: str, marks: tuple[tuple[str, ...], str], callback: Message | None
    ) -> str:
        self.count += 1
        job_id = f"job-{self.count}"
        message = Message(job_id, "k", queue, "m", "[]", 3, None, *marks, callback)
        self.store.run(job_commands.enqueue(message))
        if callback:
            self.response_headers.add(job_id)
        return job_id

    @rule(job=jobs)
    def cancel(self, job: str) -> None:
        if self.store.run(attempts.cancel(job)) is CancelResult.CANCELLED:
            self.finishes[job] += 1

    @rule(job=jobs, token=TOKENS, retries=st.integers(0, 3))
    def start(self, job: str, token: str, retries: int) -> None:
        before = self.store.run(queries.read_record(job))
        move = attempts.start(
            job, retries=retries, token=f"{token}#{retries}", rerun_id=self.wishes.get(job, "")
        )
        answer = self.store.run(move)
        assert before is not None
        assert answer is not StartResult.UNKNOWN
        if before.status in FINAL_STATUSES:  # ENDED: errbacks and signals are left to do
            assert answer in (StartResult.REFUSED, StartResult.ENDED)

    @rule(job=jobs, token=TOKENS, retries=st.integers(0, 3))
    def succeed(self, job: str, token: str, retries: int) -> None:
        token = f"{token}#{retries}"
        self.ended(
            job, self.store.run(attempts.succeed(job, token=token, result="1", result_message="{}"))
        )

    @rule(job=jobs, token=TOKENS, retries=st.integers(0, 3))
    def fail(self, job: str, token: str, retries: int) -> None:
        move = attempts.fail(
            job,
            token=f"{token}#{retries}",
            status=TaskStatus.FAILED,
            error="e",
            exception="{}",
            result_message="{}",
        )
        self.ended(job, self.store.run(move))

    @rule(job=jobs, call=st.sampled_from(["c1", "c2"]), payload=st.sampled_from(["[1]", "[2]"]))
    def revive(self, job: str, call: str, payload: str) -> None:
        before = self.store.run(queries.read_record(job))
        assert before is not None
        again = Message(job, "k", before.queue, "again", payload, before.attempts + 3)
        done = self.store.run(job_commands.rerun(again, attempts=before.attempts, rerun_id=call))
        after = self.store.run(queries.read_record(job))
        if before.status in (TaskStatus.FAILED, TaskStatus.CANCELLED) and after != before:
            assert after is not None
            assert done
            assert (after.status, after.tags) == (TaskStatus.PENDING, before.tags)
            assert self.store.client.hget(f"continuo:job:{job}", "payload") == payload.encode()
            assert self.wishes.get(job) != call
            self.wishes[job] = call
            self.reruns[job] += 1
            del self.final[job]
            self.finishes[job] = 0
        else:
            assert after == before
            assert done == (self.wishes.get(job) == call)

    @rule(queue=QUEUES)
    def pause(self, queue: str) -> None:
        self.store.run(queues.pause(queue))
        self.paused.add(queue)

    @rule(queue=QUEUES)
    def resume(self, queue: str) -> None:
        self.store.run(queues.resume(queue))
        self.paused.discard(queue)

    @rule(most=st.integers(1, 3))
    def hand_out_and_give_back(self, most: int) -> None:
        before = {queue: self.count_messages(queue) for queue in ("celery", "slow")}
        lists = ["celery", "slow"]
        move = workers.fetch("w", serial=self.serial, most=most, done=[], lists=lists)
        taken = self.store.run(move)
        open_ones = sum(count for queue, count in before.items() if queue not in self.paused)
        assert len(taken) == min(most, open_ones)
        assert not self.paused.intersection(queue_of(name) for name, _ in taken)
        serials = [str(self.serial + place) for place in range(len(taken))]
        if serials:
            self.store.run(workers.requeue("w", serials))
        self.serial += most
        assert {queue: self.count_messages(queue) for queue in before} == before

    def count_messages(self, queue: str) -> int:
        """Those of all lanes: the tenant of a job is its lane."""
        return sum(map(self.store.client.llen, self.store.run(queues.list_lists(queue))))

    @rule(job=jobs, token=TOKENS, retries=st.integers(0, 3), queue=QUEUES)
    def retry(self, job: str, token: str, retries: int, queue: str) -> None:
        again = Message(job, "k", queue, f"retry {retries}", "[]", 3)
        self.store.run(
            attempts.retry(job, token=f"{token}#{retries}", error="e", delay=0, message=again)
        )

    @rule(
        job=jobs,
        token=TOKENS,
        retries=st.integers(0, 3),
        name=st.sampled_from(["s1", "s2"]),
        seconds=st.sampled_from([0.000001, 60]),
        signal=st.sampled_from(["", '"yes"', '"no"']),
    )
    def wait(
        self, job: str, token: str, retries: int, name: str, seconds: float, signal: str
    ) -> None:
        again = Message(job, "k", "celery", f"after {name}", "[]", 3)
        move = waits.wait(
            job,
            token=f"{token}#{retries}",
            about=WaitQuestion(name, "signal"),
            seconds=seconds,
            message=again,
            looked_at=signal,
            will_do=signal == '"yes"',
        )
        answer = self.store.run(move)
        if answer.stage in (WaitStage.SIGNAL, WaitStage.TIMEOUT):
            ended = self.waits_ended.setdefault((job, name, self.reruns[job]), answer)
            assert ended == answer

    @rule(
        job=jobs,
        name=st.sampled_from(["s1", "s2"]),
        signal=st.sampled_from(['"yes"', '"no"']),
    )
    def send_signal(self, job: str, name: str, signal: str) -> None:
        before = self.store.run(queries.read_record(job))
        answer = self.store.run(waits.send_signal(job, name, signal))
        after = self.store.run(queries.read_record(job))
        assert before is not None
        assert after is not None
        is_awaited = before.wait and before.wait.name == name
        if answer is SignalResult.SENT and before.status is TaskStatus.WAITING:
            assert (is_awaited, after.status) == (True, TaskStatus.PENDING)
        else:
            assert after == before

    @rule(job=jobs, token=TOKENS)
    def run_as_one_should(self, job: str, token: str) -> None:
        record = self.store.run(queries.read_record(job))
        assert record is not None
        self.start(job, token, record.attempts)
        self.succeed(job, token, record.attempts)

    @rule(job=jobs, token=TOKENS, retries=st.integers(0, 3))
    def die(self, job: str, token: str, retries: int) -> None:
        self.store.run(attempts.interrupt(job, token=f"{token}#{retries}", cause="signal 9"))

    @rule()
    def promote(self) -> None:
        self.store.run(maintenance.promote(100))

    def ended(self, job: str, verdict: Verdict) -> None:
        if verdict is Verdict.APPLIED:
            self.finishes[job] += 1
        assert self.finishes[job] <= 1

    @invariant()
    def a_final_status_stays(self) -> None:
        for number in range(1, self.count + 1):
            record = self.store.run(queries.read_record(f"job-{number}"))
            assert record is not None
            if record.is_final:
                self.deliveries += record.id in self.response_headers - self.final.keys()
                assert self.final.setdefault(record.id, record.status) is record.status
            else:
                assert record.id not in self.final

    @invariant()
    def each_end_is_told_once(self) -> None:
        told = self.store.run(queries.list_page(RecordFilter(kinds=["callback"]), limit=1000))
        assert len(told.records) == told.total == self.deliveries
        assert self.count_messages("celery") >= self.deliveries

    @invariant()
    def lists_say_what_records_say(self) -> None:
        page = self.store.run(queries.list_page(limit=1000))
        counted = Counter(record.status.value for record in page.records)
        stats = self.store.run(statistics.read_stats())
        assert stats.total_tasks == self.count + self.deliveries == page.total
        assert counted == Counter({k: n for k, n in stats.status_counts.items() if n})

    @invariant()
    def a_job_is_in_the_lists_of_its_queue_and_its_tags_and_in_no_other(self) -> None:
        records = self.store.run(queries.list_page(limit=1000)).records
        for tag in ("a", "b"):
            tagged = {record.id for record in records if tag in record.tags}
            assert self.found(tags=[tag]) == tagged
        owned = {record.id for record in records if record.tenant == "c"}
        assert self.found(tenant="c") == owned
        slow = {record.id for record in records if record.queue == "slow"}
        assert self.found(queues=["slow"]) == slow

    def found(self, **question: Any) -> set[str]:
        page = self.store.run(queries.list_page(RecordFilter(**question), limit=1000))
        assert page.total == len(page.records)
        return {record.id for record in page.records}

    @invariant()
    def only_retrying_jobs_and_all_waiting_ones_are_scheduled(self) -> None:
        scheduled = {job.decode() for job in self.store.client.zrange("continuo:scheduled", 0, -1)}
        waiting = self.found(statuses=[TaskStatus.WAITING])
        assert waiting <= scheduled <= waiting | self.found(statuses=[TaskStatus.RETRYING])

    @invariant()
    def a_job_has_a_due_time_while_it_is_scheduled(self) -> None:
        scheduled = dict(self.store.client.zrange("continuo:scheduled", 0, -1, withscores=True))
        page = self.store.run(queries.list_page(limit=1000))
        due = {record.id.encode(): record.due_at for record in page.records if record.due_at}
        assert due == scheduled


def test_any_history_leaves_one_final_status_and_correct_lists(store: Store) -> None:
    run_state_machine_as_test(
        lambda: Histories(store),
        settings=settings(
            max_examples=60,
            stateful_step_count=40,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
