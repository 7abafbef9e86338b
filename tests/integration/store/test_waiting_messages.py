"""The message of a waiting job is kept short, and comes back whole."""

import pytest

from project.store.client import Store
from project.store.commands import attempts, jobs, waits
from project.store.commands.message import Message
from project.store.commands.waits import SignalResult, WaitQuestion, WaitStage
from tests.support.apps import kinds

QUESTION = WaitQuestion("approval", "signal")
SHORT_BYTES = 350


def wait_and_go_on(store: Store, message: Message) -> tuple[bytes, bytes]:
    """What is kept while the job waits, and what is on its queue when it goes on."""
    key = f"continuo:job:{message.id}"
    store.run(jobs.enqueue(message))
    store.client.delete(message.queue)
    store.run(attempts.start(message.id, retries=0, token="w#1"))
    wait = waits.wait(message.id, token="w#1", about=QUESTION, seconds=600, message=message)
    assert store.run(wait).stage is WaitStage.WAITS
    kept = store.client.hget(key, "message") or b""
    assert store.run(waits.send_signal(message.id, "approval", "1")) is SignalResult.SENT
    return kept, store.client.lindex(message.queue, 0)


def test_a_usual_message_is_kept_short_and_comes_back_whole(store: Store) -> None:
    message = kinds.hold.message()

    kept, sent = wait_and_go_on(store, message)

    assert sent.decode() == message.text
    assert len(kept) < SHORT_BYTES < len(sent)


@pytest.mark.parametrize(
    ("job_id", "text"),
    [
        ("aaaaaaaaaa", '{"headers":{"id":"aaaaaaaaaa"},"body":"aaaaaaaaaaaaaaa"}'),
        ("a", '{"body":"a","content-encoding":"utf-8"}'),
        ("aaaaaaaaaa", '{\n\t"body": "\x02\x03"}'),
        ("a%1%0[.*]é", '{"id":"a%1%0[.*]é"},"priority":0,"body_encoding":"base64"}'),
    ],
    ids=["id in the body", "short id", "control characters", "odd id"],
)
def test_any_message_comes_back_whole(store: Store, job_id: str, text: str) -> None:
    message = Message(job_id, "k", "celery", text, "[]", 3)

    _, sent = wait_and_go_on(store, message)

    assert sent.decode() == text


def test_a_message_that_is_cancelled_in_a_canvas_comes_back_whole(store: Store) -> None:
    message = kinds.hold.message()._replace(has_canvas=True)
    store.run(jobs.enqueue(message))
    store.client.delete("celery")
    store.run(attempts.start(message.id, retries=0, token="w#1"))
    store.run(waits.wait(message.id, token="w#1", about=QUESTION, seconds=600, message=message))

    store.run(attempts.cancel(message.id))

    (sent,) = store.client.lrange("celery", 0, -1)
    assert sent.decode() == message.text
