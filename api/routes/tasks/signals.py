"""Routes of signals: send one to a job, and the page behind a signed link that sends one.

The page is like that of the unsubscribe link: mail scanners follow every link, so GET changes
nothing and POST sends. No API key is needed there: the signed link is the permission.
"""

from html import escape
from typing import Annotated, Any

import msgspec

from api.http.problems import Problem
from api.http.routing import Answer, Request, Router
from api.http.small_pages import answer_page
from api.jobs.orders import KEY_HEADER, parse_key
from api.routes.tasks.tasks import TASK_PATH, build_problem_members, fetch_requested_record
from project.celery import app
from project.errors import LinkTampered
from project.job.signals import SignalLink, build_signal, resolve_link
from project.store.commands import waits
from project.store.commands.waits import TIMED_OUT, SignalResult

SIGNAL_PATH = TASK_PATH + "/signals/{name}"
LINK_PATH = "/s/{token}"

REFUSALS = {
    SignalResult.OTHER: "Another signal of this name came first",
    SignalResult.LATE: "The time of this wait is over",
    SignalResult.FINAL: "The job has already ended",
    SignalResult.MANY: "The job keeps 100 signals that it does not wait for, which is the most",
}

ASK_HTML = '<p>{question}</p><form method="post"><button>{button}</button></form>'
DONE_HTML = "<p>{question}</p><p>Your answer, “{button}”, has arrived. You can close this page.</p>"
REFUSED_HTML = "<p>{question}</p><p>{reason}. Nothing was changed.</p>"

routes = Router()


class SentSignal(msgspec.Struct, frozen=True):
    """What became of a signal.

    ``sent``: the job goes on. ``kept``: it is there when the job comes to its wait. ``repeated``:
    the same signal had come before.
    """

    id: str
    name: str
    result: SignalResult


@routes.post(
    SIGNAL_PATH,
    scope="control",
    body=Annotated[Any, msgspec.Meta(examples=[{"approved": True}])],
    answers={200: SentSignal, 202: SentSignal},
    errors=(404, 409, 503),
    request_headers={KEY_HEADER: "Not needed: the same signal twice counts once in any case."},
    summary="Send a signal to a job that waits for it",
    description="The body is any JSON of at most 64 KB; it must be of the type for which the job "
    "waits. A signal before its wait is kept, at most 100 names a job. The first of a name counts: "
    "the same again answers 200, a different one 409.",
    tags=["tasks"],
)
async def send_signal(request: Request, body: Any) -> Answer:
    """Send the signal. Raises ``Problem`` 409 when it comes too late."""
    if (key := request.get_header(KEY_HEADER)) is not None:
        parse_key(key)
    record = await fetch_requested_record(request)
    name = request.params["name"]
    signal = build_signal(record, name, body)
    result = await app.async_store.run(waits.send_signal(record.id, name, signal))
    if refusal := REFUSALS.get(result):
        raise Problem(409, refusal, members=build_problem_members(record))
    if result is SignalResult.UNKNOWN:
        raise Problem(404, f"There is no job with the id {record.id!r}")
    status = 200 if result is SignalResult.REPEATED else 202
    return Answer(SentSignal(record.id, name, result), status)


@routes.get(
    LINK_PATH,
    auth=False,
    answers={200: str, 409: str},
    errors=(404, 503),
    produces="text/html",
    summary="Show the page of a signal link; this changes nothing",
    tags=["tasks"],
)
async def show_signal_page(request: Request) -> Answer:
    """Ask for a confirmation, or say how the question was answered."""
    link = find_link(request)
    record = await app.AsyncResult(link.job_id).afetch()
    if record is None:
        raise Problem(404, "The job behind this link is no longer kept")
    question = link.question or (record.wait.question if record.wait else "")
    stored = await app.async_store.run(waits.read_signal(link.job_id, link.name))
    if result := judge_stored(link, stored, is_final=record.is_final):
        return answer_with(result, link, question)
    return answer_page("Your answer", fill_in(ASK_HTML, link, question))


@routes.post(
    LINK_PATH,
    auth=False,
    answers={200: str, 409: str},
    errors=(404, 503),
    produces="text/html",
    summary="Send the signal of a link, as the button of its page does",
    tags=["tasks"],
)
async def send_linked_signal(request: Request) -> Answer:
    """Send the signal; a repeated call changes nothing."""
    link = find_link(request)
    record = await app.AsyncResult(link.job_id).afetch()
    question = link.question or (record.wait.question if record and record.wait else "")
    command = waits.send_signal(link.job_id, link.name, link.signal)
    result = await app.async_store.run(command)
    if result is SignalResult.UNKNOWN:
        raise Problem(404, "The job behind this link is no longer kept")
    return answer_with(result, link, question)


def judge_stored(link: SignalLink, stored: str, *, is_final: bool) -> SignalResult | None:
    """What would become of the signal of a link; None when it would be sent or kept."""
    if stored == TIMED_OUT:
        return SignalResult.LATE
    if stored:
        return SignalResult.REPEATED if stored == link.signal else SignalResult.OTHER
    return SignalResult.FINAL if is_final else None


def find_link(request: Request) -> SignalLink:
    """What the link sends. Raises ``Problem`` 404 for one with a wrong signature."""
    try:
        return resolve_link(request.params["token"])
    except LinkTampered as refused:
        raise Problem(404, str(refused)) from refused


def answer_with(result: SignalResult, link: SignalLink, question: str) -> Answer:
    """The page that says what became of the signal of a link."""
    if refusal := REFUSALS.get(result):
        content = fill_in(REFUSED_HTML, link, question, reason=escape(refusal))
        return answer_page("Not sent", content, 409)
    return answer_page("Thank you", fill_in(DONE_HTML, link, question))


def fill_in(content: str, link: SignalLink, question: str, **more: str) -> str:
    """The content with the words of the link."""
    shown = escape(question or f"Send “{link.name}”?")
    return content.format(question=shown, button=escape(link.button), **more)
