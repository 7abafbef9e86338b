"""Read every change that Redis accepted from its append-only file, after a run.

The file holds the writes of all scripts in order, across restarts of the server. It shows how
often a job got a final status, independently of the code under test.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path

JOB_KEY_PREFIX = b"continuo:job:"
RESULT_KEY_PREFIX = b"celery-task-meta-"
FINAL_STATUSES = frozenset({b"success", b"failed", b"cancelled"})
STOCK_FINAL_FIELDS = (b'"status": "SUCCESS"', b'"status": "FAILURE"')


def read_commands(folder: Path) -> Iterator[list[bytes]]:
    """The commands in the append-only files of a data folder, without an incomplete last one."""
    for path in sorted((folder / "appendonlydir").glob("*.incr.aof")):
        yield from parse_commands(path.read_bytes())


def parse_commands(data: bytes) -> Iterator[list[bytes]]:
    """Parse one file: ``*count``, then for each word ``$length`` and the word."""
    at = 0
    while at < len(data):
        line_end = data.find(b"\r\n", at)
        if line_end < 0:
            return
        if data[at : at + 1] != b"*":  # a comment
            at = line_end + 2
            continue
        words: list[bytes] = []
        count, at = int(data[at + 1 : line_end]), line_end + 2
        for _ in range(count):
            line_end = data.find(b"\r\n", at)
            if line_end < 0:
                return
            start = line_end + 2
            end = start + int(data[at + 1 : line_end])
            words.append(data[start:end])
            at = end + 2
        if at > len(data):
            return
        yield words


def read_status_changes(folder: Path) -> Iterator[tuple[str, dict[bytes, bytes]]]:
    """Each change of a status: the job's id, and the fields set together with the status."""
    for words in read_commands(folder):
        if len(words) > 2 and words[0].upper() == b"HSET" and words[1].startswith(JOB_KEY_PREFIX):
            fields = dict(zip(words[2::2], words[3::2], strict=False))
            if b"status" in fields:
                yield words[1][len(JOB_KEY_PREFIX) :].decode(), fields


def read_histories(folder: Path) -> dict[str, list[str]]:
    """The statuses of each job, in order."""
    found: dict[str, list[str]] = defaultdict(list)
    for job, fields in read_status_changes(folder):
        found[job].append(fields[b"status"].decode())
    return found


def read_starts(folder: Path) -> dict[str, list[float]]:
    """The start times of each job's attempts, including attempts without a ledger line."""
    found: dict[str, list[float]] = defaultdict(list)
    for job, fields in read_status_changes(folder):
        if b"started_at" in fields:
            found[job].append(float(fields[b"started_at"]))
    return found


def count_finishes(folder: Path) -> Counter[str]:
    """How many times each job got a final status."""
    return Counter(
        {
            job: sum(status.encode() in FINAL_STATUSES for status in statuses)
            for job, statuses in read_histories(folder).items()
        }
    )


def count_stock_finishes(folder: Path) -> Counter[str]:
    """How many final results Celery's own result backend stored for each job."""
    found: Counter[str] = Counter()
    for words in read_commands(folder):
        if (
            len(words) > 2
            and words[1].startswith(RESULT_KEY_PREFIX)
            and any(s in words[2] for s in STOCK_FINAL_FIELDS)
        ):
            found[words[1][len(RESULT_KEY_PREFIX) :].decode()] += 1
    return found
