"""Bounces and complaints, as mails and as the hooks of Amazon SES and Postmark."""

import asyncio
from collections.abc import Awaitable

import msgspec

from api.http.problems import Problem, build_unavailable
from api.http.routing import Answer, Request, Router
from project.celery import app
from project.errors import TransientError
from project.settings.groups import split_list
from tasks.emails.bounces import dsn, intake, postmark, ses
from tasks.emails.bounces.intake import IntakeResult
from tasks.emails.bounces.postmark import PostmarkEvent
from tasks.emails.bounces.report import IntakeRefused
from tasks.emails.bounces.sns import SnsMessage
from tasks.emails.settings import get_mail_settings

PATH = "/bounces"
CHALLENGE = {"WWW-Authenticate": 'Basic realm="continuo: bounces"'}

routes = Router()


class BouncedMail(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A mail with its headers, as the mail server got it."""

    message: str


class Receipt(msgspec.Struct, frozen=True):
    """What became of the addresses that were reported.

    ``suppressed``: they get no more mail. ``counted``: a soft bounce, which does not suppress yet.
    ``known``: nothing new. ``ignored``: no bounce, or no address.
    """

    suppressed: int
    counted: int
    known: int
    ignored: int


@routes.post(
    PATH,
    body=BouncedMail,
    also="message/rfc822",
    scope="control",
    cross_tenant=True,
    answers={200: Receipt},
    errors=(403, 503),
    summary="Record the bounce or the complaint in a mail",
    description=(
        "A report of RFC 3464 or RFC 5965 that has the headers of the returned mail. 403 for a "
        "report that is not about a mail that was sent from here. Other mails are ignored."
    ),
    tags=["suppressions"],
)
async def receive_bounce(_: Request, body: BouncedMail | str) -> Answer:
    """Read the mail and feed the suppression list."""
    raw = (
        body.encode("latin-1")
        if isinstance(body, str)
        else body.message.encode("utf-8", "surrogateescape")
    )
    return answer_result(await refuse_forged(asyncio.to_thread(dsn.receive_mail, app.store, raw)))


@routes.post(
    PATH + "/ses",
    auth=False,
    body=SnsMessage,
    also="text/plain",
    answers={200: Receipt},
    errors=(403, 404, 503),
    summary="Record a bounce or a complaint of Amazon SES",
    description=(
        "For a subscription of SNS to a topic in CONTINUO_SNS_TOPICS; 404 without that setting. "
        "The signature is the permission. The subscription is confirmed by itself."
    ),
    tags=["suppressions"],
)
async def receive_ses(_: Request, body: SnsMessage | str) -> Answer:
    """Check the signature and feed the suppression list."""
    topics = split_list(get_mail_settings().sns_topics)
    if not topics:
        raise Problem(404, "CONTINUO_SNS_TOPICS is not set")
    work = asyncio.to_thread(ses.receive_message, app.store, body, topics)
    return answer_result(await refuse_forged(work))


@routes.post(
    PATH + "/postmark",
    auth=False,
    body=PostmarkEvent,
    answers={200: Receipt},
    errors=(401, 404, 503),
    summary="Record a bounce or a complaint of Postmark",
    description=(
        "For a webhook of Postmark whose URL has CONTINUO_POSTMARK_PASSWORD as its password; 404 "
        "without that setting."
    ),
    tags=["suppressions"],
)
async def receive_postmark(request: Request, body: PostmarkEvent) -> Answer:
    """Check the password and feed the suppression list."""
    password = get_mail_settings().postmark_password
    if not password:
        raise Problem(404, "CONTINUO_POSTMARK_PASSWORD is not set")
    if not postmark.is_authorized(request.header("authorization"), password):
        raise Problem(401, "The password in the URL of the webhook is wrong", headers=CHALLENGE)
    reports = postmark.build_reports(body)
    return answer_result(await asyncio.to_thread(intake.record_reports, app.store, reports))


async def refuse_forged(work: Awaitable[IntakeResult]) -> IntakeResult:
    """The result of the work.

    Raises ``Problem`` 403 for what is forged or cannot be read, and 503 when Amazon does not
    answer: SNS sends a message again after 503, and never after 403.
    """
    try:
        return await work
    except IntakeRefused as refused:
        raise Problem(403, f"The report is refused: {refused}") from refused
    except TransientError as problem:
        raise build_unavailable(str(problem)) from problem


def answer_result(result: IntakeResult) -> Answer:
    """The result as an answer."""
    return Answer(Receipt(*result))
