"""Whatever happens to jobs, limits, switches and breakers: none is exceeded, no job is lost."""

from collections import Counter
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from msgspec import structs

from project.messages.builder import build_list_key
from project.records.breaker import Breaker
from project.records.limit import Limit, check_limit
from project.records.record import TaskRecord, TaskStatus
from project.records.switch import Field, Switch, check_switch
from project.store.client import Store
from project.store.commands import (
    attempts,
    breakers,
    limits,
    maintenance,
    queries,
    queues,
    switches,
)
from project.store.commands.attempts import HostHold, Verdict
from project.store.commands.queries import RecordFilter
from project.worker.upkeep.guard import Guard
from tests.support.lane_workers import LISTS, PoolProcess, build_message, order

LANES = st.sampled_from(["", "a", "b"])
KINDS = st.sampled_from(["k", "other"])
QUEUES = st.sampled_from(["celery", "slow"])
TAGS = st.sampled_from([(), ("t",)])
NAMES = st.sampled_from(["one", "two", "three"])
SELECTIONS = st.fixed_dictionaries(
    {},
    optional={
        "kind": KINDS,
        "queue": QUEUES,
        "lane": st.sampled_from(["a", "b"]),
        "tag": st.just("t"),
        "each": st.just("lane"),
    },
)
FIELDS = st.sampled_from([Field(path="n", equals=1), Field(path="url", prefix="https://h.example")])
SWITCHED = st.one_of(
    st.fixed_dictionaries({"kind": KINDS}, optional={"tag": st.just("t"), "field": FIELDS}),
    st.fixed_dictionaries({"lane": st.sampled_from(["a", "b"])}, optional={"field": FIELDS}),
    st.fixed_dictionaries({"field": FIELDS}, optional={"queue": QUEUES}),
)
PAYLOADS = st.sampled_from(["[]", '[[], {"n": 1}]', '[[], {"n": 2, "url": "https://h.example/x"}]'])
HOST = HostHold("h.example", ("k", "other"))
HOLDS = st.sampled_from([0.001, 60.0])
ALL_LISTS = [*LISTS, *(build_list_key("slow", priority) for priority in (0, 3, 6, 9))]


class LimitHistories(RuleBasedStateMachine):
    """Jobs of two queues, two workers that may die; limits, switches and breakers that change."""

    def __init__(self, store: Store) -> None:
        super().__init__()
        self.store = store
        self.count = 0
        self.limits: dict[str, Limit] = {}
        self.ran_before: dict[str, set[str]] = {}
        self.switches: dict[str, Switch] = {}
        self.opened: dict[str, tuple[float | None, set[str]]] = {}
        self.payloads: dict[str, str] = {}
        self.starts = 0

    @initialize()
    def begin(self) -> None:
        self.store.client.flushall()
        self.workers = [self.start_worker() for _ in range(2)]

    def start_worker(self) -> PoolProcess:
        self.starts += 1
        return PoolProcess(self.store, f"w{self.starts}", ALL_LISTS)

    def list_records(self, *statuses: TaskStatus) -> list[TaskRecord]:
        wanted = RecordFilter(statuses=statuses)
        return self.store.run(queries.list_page(wanted, limit=500)).records

    @rule(
        lane=LANES,
        kind=KINDS,
        queue=QUEUES,
        tags=TAGS,
        priority=st.sampled_from([0, 9]),
        payload=PAYLOADS,
    )
    def order(self, kind: str, payload: str, **about: Any) -> None:
        self.count += 1
        self.payloads[f"job{self.count}"] = payload
        order(self.store, f"job{self.count}", kind, payload=payload, **about)

    @rule(worker=st.integers(0, 1), most=st.integers(1, 3))
    def take(self, worker: int, most: int) -> None:
        for _ in range(most):
            self.workers[worker].take()

    @rule(worker=st.integers(0, 1))
    @precondition(lambda self: any(each.running for each in self.workers))
    def end(self, worker: int) -> None:
        if self.workers[worker].running:
            self.workers[worker].end(self.workers[worker].running[0][0])

    @rule(worker=st.integers(0, 1), delay=st.sampled_from([0, 60]), retries=st.booleans())
    @precondition(lambda self: any(each.running for each in self.workers))
    def come_again(self, worker: int, delay: float, retries: bool) -> None:
        process = self.workers[worker]
        if not process.running:
            return
        job_id, serial = process.running.pop(0)
        found = self.store.run(queries.read_record(job_id))
        assert found is not None
        again = build_message(job_id, found.kind, queue=found.queue, retries=found.attempts)
        token = f"{process.claimant.worker}#{serial}"
        if retries:
            self.store.run(
                attempts.retry(job_id, token=token, error="e", delay=delay, message=again)
            )
        else:
            same = build_message(job_id, found.kind, queue=found.queue, retries=found.attempts - 1)
            self.store.run(attempts.postpone(job_id, token=token, delay=delay, message=same))
        process.acknowledge(serial)

    @rule(worker=st.integers(0, 1), most=st.integers(1, 3))
    @precondition(lambda self: any(each.running for each in self.workers))
    def fail(self, worker: int, most: int) -> None:
        process = self.workers[worker]
        for job_id, serial in process.running[:most]:
            token = f"{process.claimant.worker}#{serial}"
            about = {"error": "e", "exception": "{}", "result_message": "{}"}
            self.store.run(attempts.fail(job_id, token=token, status=TaskStatus.FAILED, **about))
            process.acknowledge(serial)
        del process.running[:most]

    @rule(worker=st.integers(0, 1))
    @precondition(lambda self: any(each.running for each in self.workers))
    def wait_for_host(self, worker: int) -> None:
        process = self.workers[worker]
        calls = [each for each in process.running if "url" in self.payloads[each[0]]]
        if not calls:
            return
        process.running.remove(calls[0])
        job_id, serial = calls[0]
        found = self.store.run(queries.read_record(job_id))
        assert found is not None
        same = build_message(job_id, found.kind, queue=found.queue, retries=found.attempts - 1)
        token = f"{process.claimant.worker}#{serial}"
        command = attempts.postpone(job_id, token=token, delay=60, message=same, host=HOST)
        assert self.store.run(command) in (Verdict.APPLIED, Verdict.REFUSED)
        process.acknowledge(serial)

    @rule(worker=st.integers(0, 1))
    def die(self, worker: int) -> None:
        self.workers[worker].die()
        self.workers[worker] = self.start_worker()

    @rule(number=st.integers(1, 20))
    def cancel(self, number: int) -> None:
        self.store.run(attempts.cancel(f"job{number}"))

    @rule(queue=QUEUES)
    def pause(self, queue: str) -> None:
        self.store.run(queues.pause(queue))

    @rule(queue=QUEUES)
    def resume(self, queue: str) -> None:
        self.store.run(queues.resume(queue))

    @rule()
    def maintain(self) -> None:
        self.store.run(maintenance.promote(100))

    @rule(name=NAMES, about=SELECTIONS, concurrency=st.integers(0, 2))
    def put(self, name: str, about: dict[str, Any], concurrency: int) -> None:
        limit = check_limit(name, Limit(**about, concurrency=concurrency))
        self.store.run(limits.put_limit(name, limit))
        self.limits[name] = limit
        self.ran_before[name] = {each.id for each in self.list_records(TaskStatus.RUNNING)}

    @rule(name=NAMES)
    def delete(self, name: str) -> None:
        self.store.run(limits.delete_limit(name))
        self.limits.pop(name, None)

    @rule(
        name=st.sampled_from(["off", "out"]),
        about=SWITCHED,
        action=st.sampled_from(["hold", "hold", "cancel", "fail"]),
    )
    def switch(self, name: str, about: dict[str, Any], action: Any) -> None:
        switch = check_switch(name, Switch(**about, action=action))
        self.store.run(switches.put_switch(name, switch))
        self.switches[name] = switch
        self.ran_before[name] = {each.id for each in self.list_records(TaskStatus.RUNNING)}

    @rule(name=st.sampled_from(["off", "out", "host:h.example"]))
    def switch_back(self, name: str) -> None:
        self.store.run(switches.delete_switch(name))
        self.switches.pop(name, None)

    @rule(kind=KINDS, of=st.integers(1, 3), share=st.sampled_from([0.4, 1.0]), hold=HOLDS)
    def put_breaker(self, kind: str, of: int, share: float, hold: float) -> None:
        self.store.run(breakers.put_breaker(kind, Breaker(share=share, of=of, hold=hold)))

    @rule(kind=KINDS, lane=LANES, hold=HOLDS)
    def trip(self, kind: str, lane: str, hold: float) -> None:
        self.put_breaker(kind, of=1, share=1.0, hold=hold)
        for _ in range(3):
            self.order(kind, "[]", lane=lane)
        self.take(0, most=1)
        if self.workers[0].running:
            self.fail(0, most=9)

    @rule(kind=KINDS)
    def delete_breaker(self, kind: str) -> None:
        self.store.run(breakers.delete_breaker(kind))

    @rule(most=st.integers(1, 3))
    def end_jobs(self, most: int) -> None:
        self.store.run(switches.end_jobs(most))

    @invariant()
    def no_job_starts_that_is_switched_off(self) -> None:
        running = self.list_records(TaskStatus.RUNNING)
        for name, switch in self.switches.items():
            started = [each for each in running if each.id not in self.ran_before[name]]
            assert not [
                each for each in started if is_switched(switch, each, self.payloads[each.id])
            ]

    @invariant()
    def an_open_breaker_lets_no_job_start_and_one_that_tries_one_at_a_time(self) -> None:
        running = self.list_records(TaskStatus.RUNNING)
        for kind, stored in self.store.run(breakers.list_breakers()).items():
            of_kind = {each.id for each in running if each.kind == kind}
            if self.opened.get(kind, (None,))[0] != stored.until:
                self.opened[kind] = (stored.until, of_kind)
            if stored.stage != "closed":
                started = of_kind - self.opened[kind][1]
                assert len(started) <= (stored.stage == "trying"), (kind, stored)

    @invariant()
    def no_limit_is_exceeded(self) -> None:
        running = self.list_records(TaskStatus.RUNNING)
        for name, limit in self.limits.items():
            limited = [each for each in running if matches(limit, each)]
            counts = Counter(each.lane if limit.each else "" for each in limited)
            new = {
                each.lane if limit.each else ""
                for each in limited
                if each.id not in self.ran_before[name]
            }
            assert all(counts[gate] <= (limit.concurrency or 0) for gate in new), (name, limit)

    @invariant()
    def the_running_jobs_are_those_that_limits_count(self) -> None:
        running = {each.id for each in self.list_records(TaskStatus.RUNNING)}
        for key in self.store.client.scan_iter("continuo:passed:*"):
            assert {job_id.decode() for job_id in self.store.client.smembers(key)} <= running
        found = self.store.run(limits.list_limits())
        for name, limit in self.limits.items():
            assert found[name].running == sum(
                matches(limit, each) for each in self.list_records(TaskStatus.RUNNING)
            )

    @invariant()
    def the_counts_of_messages_are_right(self) -> None:
        for queue in ("celery", "slow"):
            lists = self.store.run(queues.list_lists(queue))
            in_lanes = sum(self.store.client.llen(name) for name in lists[4:])
            counted = int(self.store.client.hget("continuo:lane_messages", queue) or 0)
            keys = [key.decode() for key in self.store.client.scan_iter(f"{queue}\x06*\x06*")]
            assert counted == in_lanes == sum(map(self.store.client.llen, keys))

    def teardown(self) -> None:
        if not hasattr(self, "workers"):
            return
        self.let_the_guard_look()
        self.let_jobs_pass()
        for process in self.workers:
            while process.running:
                process.end(process.running[0][0])
        for _ in range(5):  # as when some seconds have passed each time
            self.workers[0].work()
            self.let_time_pass()
        self.workers[0].work()
        left = self.list_records(TaskStatus.PENDING, TaskStatus.RETRYING, TaskStatus.RUNNING)
        assert left == []
        keys = {key.decode() for key in self.store.client.scan_iter("continuo:*")}
        assert not [key for key in keys if key.startswith(("continuo:passed:", "continuo:closed:"))]

    def let_jobs_pass(self) -> None:
        keeps_limits = self.count % 2 == 0
        for name, limit in list(self.limits.items()):
            if not keeps_limits:
                self.delete(name)
            elif limit.concurrency == 0:
                self.store.run(limits.put_limit(name, structs.replace(limit, concurrency=1)))
        for name in ("off", "out", "host:h.example"):
            self.switch_back(name)
        for kind, stored in self.store.run(breakers.list_breakers()).items():
            if stored.stage == "open":
                self.switch_back(f"breaker:{kind}")
        for queue in ("celery", "slow"):
            self.store.run(queues.resume(queue))

    def let_the_guard_look(self) -> None:
        for each in self.list_records(TaskStatus.PENDING, TaskStatus.RETRYING):
            self.store.client.hset(f"continuo:job:{each.id}", "updated_at", "1")
        assert Guard(self.store, mends=False).check() == []

    def let_time_pass(self) -> None:
        for key in ("continuo:scheduled", "continuo:limit_waits"):
            for member in self.store.client.zrange(key, 0, -1):
                self.store.client.zadd(key, {member: 1})
        self.store.run(maintenance.promote(1_000))


def matches(limit: Limit, record: TaskRecord) -> bool:
    wanted = (limit.kind, limit.queue, limit.lane)
    fits = zip(wanted, (record.kind, record.queue, record.lane), strict=True)
    return all(want in (None, has) for want, has in fits) and (
        limit.tag is None or limit.tag in record.tags
    )


def is_switched(switch: Switch, record: TaskRecord, payload: str) -> bool:
    about = {"kind": switch.kind, "queue": switch.queue, "lane": switch.lane, "tag": switch.tag}
    if not matches(Limit(**about), record):  # type: ignore[arg-type]
        return False
    field = switch.field
    return field is None or (f'"{field.path}": {field.equals or ""}' in payload)


def test_no_limit_is_exceeded_and_no_job_lost(store: Store) -> None:
    run_state_machine_as_test(
        lambda: LimitHistories(store),
        settings=settings(
            max_examples=50,
            stateful_step_count=40,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
