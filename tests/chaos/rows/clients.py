"""The row that kills the API while clients post orders."""

import json
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from http.client import HTTPConnection, HTTPException

from tests.chaos.judge.row_result import RowResult
from tests.chaos.stage.cluster import Cluster, ClusterMember
from tests.chaos.stage.scale import ChaosScale
from tests.chaos.stage.scene import ChaosScene, ChaosStage
from tests.support.ports import find_free_port
from tests.support.programs.processes import list_children

START_TIMEOUT_SECONDS = 60.0
ANSWER_TIMEOUT_SECONDS = 10.0
KILL_STEP_SECONDS = 0.008
"""How much later the kill comes in each round."""


def kill_api(stage: ChaosStage, scale: ChaosScale) -> RowResult:
    """Kill the API while many clients post, then compare answers, records and messages."""
    with stage("posts", scale, workers=0) as scene:
        api = start_api(scene.cluster)
        scene.cluster.members.append(api)
        answered: set[str] = set()
        unanswered = 0
        for number in range(scale.rounds):
            scene.cluster.wait_until(
                lambda: is_up(api), START_TIMEOUT_SECONDS, "the API did not start"
            )
            answers = post_and_kill(scene, api, scale.posts, number)
            answered |= {answer for answer in answers if answer}
            unanswered += answers.count("")
        return judge(scene, answered, unanswered)


def start_api(cluster: Cluster) -> ClusterMember:
    """Start the API; the cluster restarts it when it ends."""
    port = find_free_port()
    environment = cluster.build_environment() | {"PORT": str(port)}
    member = ClusterMember(
        "api", [sys.executable, "-m", "api"], environment, cluster.folder / "api.log"
    )
    member.start()
    return member


def is_up(api: ClusterMember) -> bool:
    """Whether the API is ready."""
    with suppress(OSError, HTTPException):
        connection = HTTPConnection("127.0.0.1", int(api.environment["PORT"]), timeout=1)
        connection.request("GET", "/health/ready")
        return connection.getresponse().status == 200
    return False


def post_and_kill(scene: ChaosScene, api: ClusterMember, clients: int, number: int) -> list[str]:
    """Let clients post at once and kill the API meanwhile; the answered ids, "" for no answer."""
    with ThreadPoolExecutor(clients) as pool:
        port = int(api.environment["PORT"])
        answers = [pool.submit(post_report, port) for _ in range(clients)]
        time.sleep(number * KILL_STEP_SECONDS)
        servers = list_children(api.pid)
        if number % 2:  # only the servers: the supervisor starts new ones
            scene.cluster.kill(servers)
        else:
            scene.cluster.kill([api.pid, *servers])
        scene.cluster.killed += 1
        return [answer.result(ANSWER_TIMEOUT_SECONDS * 2) for answer in answers]


def post_report(port: int) -> str:
    """Order a report; the id of the job, or "" without a 202 answer."""
    connection = HTTPConnection("127.0.0.1", port, timeout=ANSWER_TIMEOUT_SECONDS)
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


def judge(scene: ChaosScene, answered: set[str], unanswered: int) -> RowResult:
    """Check that every record has one message, every message a record, and every 202 both."""
    client = scene.app.store.client
    records = {key.decode().rpartition(":")[2] for key in client.scan_iter("continuo:job:*")}
    messages = [json.loads(text)["headers"]["id"] for text in client.lrange("celery", 0, -1)]
    counts = {
        "messages": len(messages),
        "answered 202": len(answered),
        "unanswered": unanswered,
        "records without a message": len(records - set(messages)),
        "messages without a record": len(set(messages) - records),
        "messages twice": len(messages) - len(set(messages)),
        "stored without an answer": len(records - answered),
    }
    wrong = ("records without a message", "messages without a record", "messages twice")
    return RowResult(
        row=scene.name,
        enqueued=len(records),
        lost=len(answered - records),
        killed=scene.cluster.killed,
        seconds=time.monotonic() - scene.started_at,
        faults=[f"{counts[name]} {name}" for name in wrong if counts[name]],
        notes=counts,
    )
