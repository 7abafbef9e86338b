"""The chart of all transitions has as its arrows what moves do to jobs, and nothing else.

Every move is tried on a job in every state, on a real Valkey. A state is more than a status:
whether the job's worker lives, whether somebody wants it stopped, how often it has killed one.
"""

import json
import re
import time
from collections.abc import Callable
from contextlib import suppress

from msgspec import convert
from redis.exceptions import ResponseError

from project.errors import DuplicateJob
from project.records.record import FINAL_STATUSES, TaskStatus
from project.records.schedule import Overlap, Plan, Schedule
from project.records.switch import Switch
from project.store.client import Store
from project.store.commands import attempts as attempt_commands
from project.store.commands import (
    claims,
    guard,
    jobs,
    maintenance,
    queries,
    queues,
    schedules,
    switches,
    waits,
    workers,
    workflows,
)
from project.store.commands.attempts import Verdict
from project.store.commands.claims import Claimant, Claims
from project.store.commands.command import Command
from project.store.commands.guard import WaitingJob, WorkerReport
from project.store.commands.message import Message
from project.store.commands.schedules import DueFiring, DueJob
from project.store.commands.waits import WaitQuestion
from project.store.commands.workflows import NewWorkflow, StagedNode
from project.store.scripts import SCRIPTS
from project.workflows.nodes import build_node_id
from tests.support.documents.markdown import ROOT

CHART = (ROOT / "docs" / "explanation" / "states.md").read_text()
STORY = (ROOT / "docs" / "how-nothing-is-lost.md").read_text()
NOWHERE = "[*]"
WORKERS = "continuo:workers"
TOKEN = "w#1"
OTHER = "v#2"
PROCESS = Claimant("v", "p1.a")

type Arrow = tuple[str, str, str]
type Step = Callable[[Store], object]
"""Something that is done to the job ``a``, or for it."""


def message(job_id: str = "a", retries: int = 0) -> Message:
    """What a worker takes for one attempt of a job."""
    nothing = {"eta": None, "expires": None, "timelimit": [None, None]}
    headers = {"id": job_id, "task": "k", "retries": retries, **nothing}
    text = json.dumps({"headers": headers, "content-type": "application/json"})
    return Message(job_id, "k", "celery", text, "[[], {}]", 3)


def status(store: Store) -> str:
    record = store.run(queries.read_record("a"))
    return record.status.value if record else NOWHERE


def attempts(store: Store) -> int:
    record = store.run(queries.read_record("a"))
    return record.attempts if record else 0


def enqueue(store: Store) -> None:
    with suppress(DuplicateJob):
        store.run(jobs.enqueue(message()))


def enqueue_once(store: Store) -> None:
    with suppress(DuplicateJob):
        store.run(jobs.enqueue_once(message()))


def enqueue_all_once(store: Store) -> None:
    store.run(jobs.enqueue_all_once([message()]))


def fetch(store: Store) -> None:
    """A worker that lives takes the message in hand, as its first."""
    store.run(workers.renew_lease("w", 60, {"slots": 1}, first=True))
    store.run(workers.fetch("w", serial=1, most=1, done=[], lists=["celery"]))


def start(store: Store, token: str = TOKEN) -> None:
    """The message of the job's next attempt is run, or of the one that runs already."""
    behind = int(status(store) == "running")
    store.run(attempt_commands.start("a", retries=attempts(store) - behind, token=token))


def start_elsewhere(store: Store) -> None:
    start(store, OTHER)


def run(store: Store) -> None:
    fetch(store)
    start(store)


def succeed(job_id: str = "a", token: str = TOKEN) -> Command[Verdict]:
    return attempt_commands.succeed(job_id, token=token, result="1", result_message="{}")


def take_after(store: Store) -> None:
    """A pool process ends this job and takes no other."""
    store.run(claims.take(PROCESS, None, done="1", success=succeed()))


def take_after_another_end(store: Store) -> None:
    """A pool process has ended this job with another command, and takes no other."""
    store.run(claims.take(Claimant("w", "p1.a"), None, done="1"))


def take(store: Store) -> None:
    """A pool process ends another job and takes this one next."""
    other = message("b")
    store.run(jobs.enqueue(other))
    store.client.lrem("celery", 1, other.text)
    store.run(workers.renew_lease("v", 60, {"slots": 1, "kind:k": 1}, first=True))
    store.run(attempt_commands.start("b", retries=0, token=OTHER))
    store.run(claims.take(PROCESS, Claims(["celery"]), place=3, success=succeed("b", OTHER)))


def fail(store: Store, status: TaskStatus = TaskStatus.FAILED, token: str = TOKEN) -> None:
    store.run(
        attempt_commands.fail(
            "a", token=token, status=status, error="e", exception="{}", result_message="{}"
        )
    )


def retry(store: Store) -> None:
    next_one = message(retries=attempts(store))
    store.run(attempt_commands.retry("a", token=TOKEN, error="e", delay=60, message=next_one))


def wait(store: Store, seconds: float = 60, name: str = "s") -> None:
    about = WaitQuestion(name, "signal")
    again = message(retries=attempts(store) - 1)
    store.run(waits.wait("a", token=TOKEN, about=about, seconds=seconds, message=again))


def send_signal(store: Store, name: str = "s") -> None:
    store.run(waits.send_signal("a", name, "1"))


def promote(store: Store) -> None:
    """The next attempt is due, and the message of the last one is done with."""
    store.run(workers.ack("w", ["1"]))
    promote_alone(store)


def promote_alone(store: Store) -> None:
    store.client.zadd("continuo:scheduled", {"a": 1}, xx=True)
    store.run(maintenance.promote(10))


def cancel(store: Store) -> None:
    store.run(attempt_commands.cancel("a"))


def rerun(store: Store, *, repeats: bool = False) -> None:
    done = attempts(store)
    store.run(jobs.rerun(message(retries=done), attempts=done, repeats=repeats))


def expire_lease(store: Store) -> None:
    """The lease of the worker has ended, while Redis was there all the time."""
    store.client.hset("continuo:heartbeat", mapping={"last_at": time.time(), "grace_until": 0})
    store.client.zadd(WORKERS, {"w": 1})


def reap(store: Store) -> None:
    expire_lease(store)
    store.run(maintenance.reap(60))


def sweep(store: Store) -> None:
    for ended in FINAL_STATUSES:
        store.run(
            maintenance.sweep(kind_queue="k@celery", status=ended, retention=0, offset=0, most=10)
        )


def set_two_deaths(store: Store) -> None:
    store.client.hset("continuo:job:a", "deaths", 2)


def forget_worker(store: Store) -> None:
    """Nothing is known of the worker."""
    store.client.zrem(WORKERS, "w")


def forget_message(store: Store) -> None:
    """The message of the job is nowhere."""
    store.client.delete("celery", "continuo:unacked:w", "continuo:scheduled")
    store.client.hdel("continuo:job:a", "message", "message_list")


def check_running(store: Store) -> None:
    forget_worker(store)
    store.run(guard.check_running("k@celery", 0, 10, mends=True))


def check_running_without_message(store: Store) -> None:
    forget_message(store)
    check_running(store)


def check_held(store: Store) -> None:
    """A pool process has forgotten what it took."""
    store.client.delete("continuo:unacked:w")
    store.client.hset("continuo:unacked:w", "p1.a.1", f"celery\n{message(retries=0).text}")
    if store.client.hget("continuo:job:a", "token") == TOKEN.encode():
        store.client.hset("continuo:job:a", "token", "w#p1.a.1")
    about = WorkerReport(0.0, [], {"p1.a": 2})
    store.run(guard.report("w", 1, about))
    store.run(guard.check_held("w", mends=True))


def mend_waiting(store: Store) -> None:
    forget_message(store)
    changed_at = store.client.hget("continuo:job:a", "updated_at") or b""
    store.run(guard.mend_waiting(WaitingJob("a", changed_at.decode(), "celery")))


def register_unsent(store: Store) -> None:
    """One before the job in its canvas has failed."""
    store.run(jobs.register(message(), retries=0, is_unsent=True))


def fail_unsent(store: Store) -> None:
    fail(store, token="")


def cancel_unsent(store: Store) -> None:
    fail(store, TaskStatus.CANCELLED, token="")


def switch_off(store: Store, action: str, then: Step) -> None:
    """Let a switch end all jobs of the kind, then do something."""
    switch = convert({"kind": "k", "action": action}, Switch)
    store.run(switches.put_switch("off", switch))
    then(store)


def end_jobs(store: Store) -> None:
    store.run(switches.end_jobs(10))


def write_schedule(store: Store, overlap: Overlap, **fields: str) -> Schedule:
    """A schedule that is due, with these fields."""
    plan = Plan(kind="k", every=60, overlap=overlap)
    store.run(schedules.put("s", plan, due=60, fire_at=60))
    store.client.hset("continuo:schedule:s", mapping={"last": "none", **fields})
    _, schedule = store.run(schedules.read("s"))
    assert schedule
    return schedule


def fire(store: Store, job_id: str = "a", overlap: Overlap = Overlap.ALLOW, last: str = "") -> None:
    schedule = write_schedule(store, overlap, last=last)
    job = DueJob(60, message(job_id))
    store.run(schedules.fire([DueFiring(schedule, [job], 60.0, None, None)]))


def fire_next(store: Store) -> None:
    """The job is the last one of a schedule that is due."""
    fire(store, "b", Overlap.CANCEL_RUNNING, last="a")


def release(store: Store) -> None:
    schedule = write_schedule(store, Overlap.ONE_WAITING, waiting="60")
    store.run(schedules.release(schedule, DueJob(60, message()), next_at=None))


def run_by_hand(store: Store) -> None:
    write_schedule(store, Overlap.ALLOW)
    store.run(schedules.run("s", [DueJob(60, message())], overlap=Overlap.ALLOW))


NODE = build_node_id("w", "n")


def stage_workflow(store: Store) -> None:
    """A workflow of one node is stored, and not made yet."""
    node = StagedNode("n", message(NODE), "stop", [], 0)
    for step in workflows.stage("w", [node]):
        store.run(step)


def make_workflow(store: Store, then: Step | None = None) -> None:
    """A workflow makes the job, then something is done to it."""
    if status(store) != NOWHERE:
        return
    stage_workflow(store)
    store.run(workflows.create(NewWorkflow(id="w", name="w", total=1), None))
    if then:
        then(store)
    with suppress(ResponseError):  # no job was made
        store.client.rename(f"continuo:job:{NODE}", "continuo:job:a")


def add_nodes(store: Store) -> None:
    """The job is added to a batch."""
    if status(store) != NOWHERE:
        return
    store.run(workflows.create(NewWorkflow(id="w", name="w", total=0, open=True), None))
    store.run(workflows.add_nodes("w", [StagedNode("n", message(NODE), "skip", [], 0)]))
    store.client.rename(f"continuo:job:{NODE}", "continuo:job:a")


def take_back_node(store: Store) -> None:
    """The node is ready, and has no job."""
    store.client.delete(f"continuo:job:{NODE}", "continuo:workflow:w:states")
    store.client.delete("continuo:workflow:w:active")
    store.client.rpush("continuo:workflow:w:ready", "n")


def start_nodes(store: Store) -> None:
    take_back_node(store)
    store.run(workflows.start_ready("w"))


def tend_workflows(store: Store) -> None:
    take_back_node(store)
    store.run(workflows.do_round(60))


def retry_workflow(store: Store) -> None:
    """The workflow has ended, and its node had no job."""
    take_back_node(store)
    store.client.hset("continuo:workflow:w", "status", "failed")
    store.run(workflows.retry("w"))


def cancel_as_node(store: Store, then: Step) -> None:
    """The job is a node of a workflow that is cancelled."""
    if status(store) == NOWHERE:
        return
    stage_workflow(store)
    store.run(workflows.create(NewWorkflow(id="w", name="w", total=1), None))
    store.client.rename("continuo:job:a", f"continuo:job:{NODE}")
    store.client.hset(f"continuo:job:{NODE}", "workflow", "w n")
    then(store)
    store.client.rename(f"continuo:job:{NODE}", "continuo:job:a")


def tend_cancelled(store: Store) -> None:
    store.client.hset("continuo:workflow:w", mapping={"cancel": "c", "stopped": "cancel"})
    store.run(workflows.do_round(60))


STATES: list[list[Step]] = [
    [],
    [register_unsent, fail_unsent],
    [register_unsent, cancel_unsent],
    [enqueue],
    [enqueue, fetch],
    [enqueue, run],
    [enqueue, run, expire_lease],
    [enqueue, run, cancel],
    [enqueue, run, cancel, expire_lease],
    [enqueue, run, set_two_deaths],
    [enqueue, run, set_two_deaths, expire_lease],
    [enqueue, run, retry],
    [enqueue, run, retry, promote],
    [enqueue, run, retry, promote, run],
    [enqueue, run, wait],
    [enqueue, run, wait, promote],
    [enqueue, run, retry, promote, run, wait],
    [enqueue, run, wait, send_signal, run],
    [enqueue, run, lambda store: store.run(succeed())],
    [enqueue, run, fail],
    [enqueue, cancel],
]
TRIED: dict[str, list[Step]] = {
    "enqueue": [enqueue],
    "enqueue_once": [enqueue_once],
    "enqueue_all_once": [enqueue_all_once],
    "register": [lambda store: store.run(jobs.register(message(), retries=0))],
    "start": [
        start,
        start_elsewhere,
        lambda store: switch_off(store, "fail", start),
        lambda store: switch_off(store, "cancel", start),
    ],
    "succeed": [lambda store: store.run(succeed())],
    "take": [
        take,
        take_after,
        take_after_another_end,
        lambda store: switch_off(store, "fail", take),
        lambda store: switch_off(store, "cancel", take),
    ],
    "end_jobs": [
        lambda store: switch_off(store, "fail", end_jobs),
        lambda store: switch_off(store, "cancel", end_jobs),
    ],
    "fail": [
        fail,
        lambda store: fail(store, TaskStatus.CANCELLED),
        lambda store: fail(store, TaskStatus.FAILED, ""),
        lambda store: fail(store, TaskStatus.CANCELLED, ""),
    ],
    "retry": [retry],
    "postpone": [
        lambda store: store.run(
            attempt_commands.postpone("a", token=TOKEN, delay=60, message=message())
        )
    ],
    "wait": [wait],
    "send": [send_signal],
    "promote": [promote_alone],
    "replace": [
        lambda store: store.run(jobs.replace("a", token=TOKEN, messages=[])),
        lambda store: store.run(jobs.replace("a", token=TOKEN, messages=[message()])),
    ],
    "interrupt": [
        lambda store: store.run(attempt_commands.interrupt("a", token=TOKEN)),
        lambda store: store.run(attempt_commands.interrupt("a", token=TOKEN, cause="signal 9")),
    ],
    "cancel": [cancel],
    "end_cancelled": [lambda store: store.run(attempt_commands.end_cancelled("a", token=TOKEN))],
    "rerun": [rerun, lambda store: rerun(store, repeats=True)],
    "ack": [lambda store: store.run(workers.ack("w", ["1"]))],
    "fetch": [
        lambda store: store.run(workers.fetch("w", serial=2, most=0, done=["1"], lists=["celery"]))
    ],
    "requeue": [lambda store: store.run(workers.requeue("w", ["1"]))],
    "requeue_unstarted": [lambda store: store.run(workers.requeue_unstarted("w", []))],
    "requeue_dead_process": [
        lambda store: store.run(workers.requeue_dead_process("w", "", "signal 9"))
    ],
    "sign_off": [lambda store: store.run(workers.sign_off("w"))],
    "reap": [reap],
    "fire": [fire, fire_next],
    "release": [release],
    "run": [run_by_hand],
    "purge": [lambda store: store.run(queues.purge("celery", 10))],
    "check_running": [check_running, check_running_without_message],
    "check_held": [check_held],
    "mend_waiting": [mend_waiting],
    "make_workflow": [make_workflow],
    "add_nodes": [add_nodes],
    "start_nodes": [lambda store: make_workflow(store, start_nodes)],
    "retry_workflow": [lambda store: make_workflow(store, retry_workflow)],
    "tend_workflows": [
        lambda store: make_workflow(store, tend_workflows),
        lambda store: cancel_as_node(store, tend_cancelled),
    ],
    "cancel_workflow": [
        lambda store: cancel_as_node(store, lambda store: store.run(workflows.cancel("w")))
    ],
    "forget": [lambda store: store.run(jobs.forget("a"))],
    "sweep": [sweep],
}


def parse_chart(page: str = CHART) -> set[Arrow]:
    """From, to and by which move, as a chart of states has it."""
    (chart,) = re.findall(r"^stateDiagram-v2\n(.*?)^```$", page, re.DOTALL | re.MULTILINE)
    found = re.findall(r"^ +(\S+) --> (\S+): (.+)$", chart, re.MULTILINE)
    return {(old, new, move) for old, new, by in found for move in by.split(", ")}


def try_all_changes(store: Store) -> set[Arrow]:
    """The same, as it is when everything is tried in every state."""
    seen = set()
    for name, steps in TRIED.items():
        for step in steps:
            for state in STATES:
                store.client.flushall()
                for before in state:
                    before(store)
                old = status(store)
                step(store)
                seen.add((old, status(store), name))
    return {(old, new, name) for old, new, name in seen if old != new}


def test_the_chart_has_every_transition_and_no_other(store: Store) -> None:
    seen, shown = try_all_changes(store), parse_chart()

    assert sorted(seen - shown) == []
    assert sorted(shown - seen) == []


def test_the_chart_on_the_explanation_page_has_the_same_transitions() -> None:
    assert {(old, new) for old, new, _ in parse_chart(STORY)} == {
        (old, new) for old, new, _ in parse_chart()
    }


def test_every_script_that_can_change_a_status_is_covered() -> None:
    can = {
        name.partition("/")[2]
        for name, script in SCRIPTS.items()
        if (ROOT / f"project/store/lua/{name}.lua").exists()
        and re.search(
            r"local function (transition|create_record)\(|redis.call\('DEL', job_key", script
        )
    }

    assert can == set(TRIED)


def test_each_status_is_in_the_chart() -> None:
    named = {place for old, new, _ in parse_chart() for place in (old, new)}

    assert named == {NOWHERE, *TaskStatus}
