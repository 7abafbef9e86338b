import asyncio

import cello
import pytest

from api.http.cors import Cors
from api.http.routing import Request

PAGE = "https://pages.example.com"


def build_headers(cors: Cors, method: str = "GET", **headers: str) -> dict[str, str]:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    raw = cello.Request(method, "/reports", headers=named)
    return cors.headers(Request("r", raw.method, raw.path, {}, raw.get_header, asyncio.Event()))


@pytest.mark.parametrize("allowed", [PAGE, "*"])
def test_an_allowed_origin_gets_the_cors_headers(allowed: str) -> None:
    headers = build_headers(Cors(["https://other.example.com", allowed]), Origin=PAGE)

    assert headers["Access-Control-Allow-Origin"] == PAGE
    assert "Location" in headers["Access-Control-Expose-Headers"]
    assert headers["Vary"] == "Origin"


def test_another_origin_gets_no_cors_headers() -> None:
    assert build_headers(Cors([PAGE]), Origin="https://pages.example.com.evil.example") == {
        "Vary": "Origin"
    }
    assert build_headers(Cors([PAGE])) == {"Vary": "Origin"}
    assert build_headers(Cors(), Origin=PAGE) == {}


def test_a_preflight_request_gets_the_allowed_methods_and_headers() -> None:
    asks = {"Access_Control_Request_Method": "POST", "Origin": PAGE}

    headers = build_headers(Cors([PAGE]), "OPTIONS", **asks)

    assert "POST" in headers["Access-Control-Allow-Methods"]
    assert {"Idempotency-Key", "X-API-Key"} <= set(
        headers["Access-Control-Allow-Headers"].split(", ")
    )
    assert "Access-Control-Allow-Methods" not in build_headers(Cors([PAGE]), "GET", **asks)
