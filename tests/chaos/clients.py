"""The row in which the API is killed while clients post."""

import json
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from http.client import HTTPConnection, HTTPException

from tests.chaos.cluster import Cluster, Member
from tests.chaos.figures import Figures
from tests.chaos.scale import Scale
from tests.chaos.scene import Scene, Stage
from tests.support.ports import free_port
from tests.support.processes import children

START_TIMEOUT = 60.0
ANSWER_TIMEOUT = 10.0
KILL_STEP = 0.008
"""Seconds by which each round's kill comes later than the one before."""


def posts(stage: Stage, scale: Scale) -> Figures:
    """Kill -9 of the API while many clients post; then count records and messages."""
    with stage("posts", scale, workers=0) as scene:
        api = api_member(scene.cluster)
        scene.cluster.members.append(api)
        told: set[str] = set()
        unanswered = 0
        for number in range(scale.rounds):
            scene.cluster.until(lambda: is_up(api), START_TIMEOUT, "the API did not start")
            answers = post_and_kill(scene, api, scale.posts, number)
            told |= {answer for answer in answers if answer}
            unanswered += answers.count("")
        return judge(scene, told, unanswered)


def api_member(cluster: Cluster) -> Member:
    """The API as a process that is started again."""
    port = free_port()
    environment = cluster.surroundings() | {"PORT": str(port)}
    member = Member("api", [sys.executable, "-m", "api"], environment, cluster.folder / "api.log")
    member.start()
    return member


def is_up(api: Member) -> bool:
    """Whether it answers."""
    with suppress(OSError, HTTPException):
        connection = HTTPConnection("127.0.0.1", int(api.environment["PORT"]), timeout=1)
        connection.request("GET", "/health/ready")
        return connection.getresponse().status == 200
    return False


def post_and_kill(scene: Scene, api: Member, clients: int, number: int) -> list[str]:
    """Let clients post at once, kill the API amid that; the ids they were told, "" for none."""
    with ThreadPoolExecutor(clients) as pool:
        port = int(api.environment["PORT"])
        answers = [pool.submit(post, port) for _ in range(clients)]
        time.sleep(number * KILL_STEP)
        servers = children(api.pid)
        if number % 2:  # the one that answers; the one that looks after it starts another
            scene.cluster.kill(servers)
        else:
            scene.cluster.kill([api.pid, *servers])
        scene.cluster.killed += 1
        return [answer.result(ANSWER_TIMEOUT * 2) for answer in answers]


def post(port: int) -> str:
    """Order a report; the id of the job when the answer says 202."""
    connection = HTTPConnection("127.0.0.1", port, timeout=ANSWER_TIMEOUT)
    try:
        headers = {"content-type": "application/json"}
        connection.request("POST", "/reports", json.dumps({}), headers)
        answer = connection.getresponse()
        body = json.loads(answer.read())
        return str(body["id"]) if answer.status == 202 else ""
    except (OSError, HTTPException, ValueError):
        return ""
    finally:
        connection.close()


def judge(scene: Scene, told: set[str], unanswered: int) -> Figures:
    """Every record has its message, every message its record, every 202 both."""
    client = scene.app.store.client
    records = {key.decode().rpartition(":")[2] for key in client.scan_iter("continuo:job:*")}
    messages = [json.loads(text)["headers"]["id"] for text in client.lrange("celery", 0, -1)]
    counts = {
        "messages": len(messages),
        "answered 202": len(told),
        "unanswered": unanswered,
        "records without a message": len(records - set(messages)),
        "messages without a record": len(set(messages) - records),
        "messages twice": len(messages) - len(set(messages)),
        "kept though the client was not told": len(records - told),
    }
    wrong = ("records without a message", "messages without a record", "messages twice")
    return Figures(
        row=scene.name,
        enqueued=len(records),
        lost=len(told - records),
        killed=scene.cluster.killed,
        seconds=time.monotonic() - scene.started_at,
        faults=[f"{counts[name]} {name}" for name in wrong if counts[name]],
        notes=counts,
    )
