import asyncio

import cello
import pytest

from api.http.cors import Cors
from api.http.routing import Request

PAGE = "https://pages.example.com"


def said(cors: Cors, method: str = "GET", **headers: str) -> dict[str, str]:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    raw = cello.Request(method, "/reports", headers=named)
    return cors.headers(Request(raw, "r", {}, asyncio.Event()))


@pytest.mark.parametrize("allowed", [PAGE, "*"])
def test_a_page_that_may_call_is_told_so(allowed: str) -> None:
    headers = said(Cors(["https://other.example.com", allowed]), Origin=PAGE)

    assert headers["Access-Control-Allow-Origin"] == PAGE
    assert "Location" in headers["Access-Control-Expose-Headers"]
    assert headers["Vary"] == "Origin"


def test_another_page_is_told_nothing() -> None:
    assert said(Cors([PAGE]), Origin="https://pages.example.com.evil.example") == {"Vary": "Origin"}
    assert said(Cors([PAGE])) == {"Vary": "Origin"}
    assert said(Cors(), Origin=PAGE) == {}


def test_a_browser_that_asks_first_hears_what_it_may_send() -> None:
    asks = {"Access_Control_Request_Method": "POST", "Origin": PAGE}

    headers = said(Cors([PAGE]), "OPTIONS", **asks)

    assert "POST" in headers["Access-Control-Allow-Methods"]
    assert {"Idempotency-Key", "X-API-Key"} <= set(
        headers["Access-Control-Allow-Headers"].split(", ")
    )
    assert "Access-Control-Allow-Methods" not in said(Cors([PAGE]), "GET", **asks)
