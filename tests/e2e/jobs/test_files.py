"""Reports in other formats, and exports, ordered over HTTP and downloaded."""

import csv
import hashlib
import io
import zipfile
from typing import Any

import pytest

from tests.support.programs.system import System

LEGAL = {"department": "legal", "month": "2026-05"}


def download(house: System, result: dict[str, Any]) -> bytes:
    """Download the file of a result and check it against the result."""
    answer = house.http.get(result["download_url"], follow_redirects=True)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == result["content_type"]
    assert len(answer.content) == result["size"]
    assert hashlib.sha256(answer.content).hexdigest() == result["sha256"]
    return answer.content


def test_several_formats_come_in_one_file(system: System) -> None:
    body = {"type": "monthly", "filters": LEGAL, "format": ["pdf", "csv"]}
    done = system.wait_until_final("/reports", system.order("/reports", body)["id"])
    assert (done["status"], done["error"]) == ("success", "")

    with zipfile.ZipFile(io.BytesIO(download(system, done["result"]))) as archive:
        lines = archive.read("monthly-report.csv").decode().splitlines()
    assert len(lines) == done["result"]["rows"] + 1
    assert done["result"]["pages"] >= 3


def test_the_types_are_listed_with_their_filters(system: System) -> None:
    types = {entry["type"]: entry for entry in system.http.get("/reports/types").json()["types"]}

    assert {"summary", "monthly", "delays", "departures", "shop"} <= set(types)
    assert "legal" in types["monthly"]["filters"]["properties"]["department"]["enum"]
    assert types["shop"]["formats"] == ["pdf", "xlsx", "csv", "parquet", "json", "html"]


@pytest.mark.parametrize(
    "format_", ["docx", [], ["pdf", "pdf"], ["pdf", "docx"], {"pdf": True}, None, 3]
)
def test_an_unknown_format_is_refused(system: System, format_: Any) -> None:
    answer = system.http.post("/reports", json={"format": format_})
    assert answer.status_code == 422
    assert "format" in answer.json()["detail"]


def test_an_export_has_all_rows_of_a_query(system: System) -> None:
    body = {"source": "spend", "query": "invoices", "filters": LEGAL}
    ordered = system.order("/exports", body)
    assert ordered["kind"] == "export"

    done = system.wait_until_final("/exports", ordered["id"])
    result = done["result"]
    lines = list(csv.reader(io.StringIO(download(system, result).decode(), newline="")))
    assert lines[0][:3] == ["invoice", "day", "department"]
    assert (result["export"], result["rows"]) == ("spend-invoices", len(lines) - 1)
    assert done["progress"]["done"] == done["progress"]["total"] == result["rows"]

    listed = system.http.get("/exports").json()["tasks"]
    assert ordered["id"] in [task["id"] for task in listed]


def test_the_rows_of_a_report_can_be_exported(system: System) -> None:
    body = {"type": "monthly", "filters": LEGAL, "format": "parquet"}
    done = system.wait_until_final("/exports", system.order("/exports", body)["id"])
    assert download(system, done["result"])[:4] == b"PAR1"


def test_the_queries_are_listed_with_their_filters(system: System) -> None:
    queries = system.http.get("/exports/queries").json()["queries"]
    names = [(query["source"], query["query"]) for query in queries]

    assert ("flights", "routes") in names
    assert set(queries[names.index(("flights", "routes"))]["filters"]["properties"]) == {
        "carrier",
        "month",
    }


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "type"),
        ({"type": "monthly", "source": "spend"}, "type"),
        ({"source": "spend", "query": "nothing"}, "query"),
        ({"type": "monthly", "filters": {"month": "May"}}, "filters.month"),
        ({"type": "monthly", "format": "pdf"}, "format"),
    ],
)
def test_an_invalid_export_is_refused(system: System, body: dict[str, Any], field: str) -> None:
    answer = system.http.post("/exports", json=body)
    assert answer.status_code == 422
    assert field in answer.json()["detail"]


def test_a_report_is_mailed_when_it_is_done(system: System) -> None:
    mail = {
        "to": ["Ada@EXAMPLE.com", "ada@example.com", "bob@example.com"],
        "subject": "Legal, May",
    }
    body = {"type": "monthly", "filters": LEGAL, "mail": mail}
    done = system.wait_until_final("/reports", system.order("/reports", body)["id"])
    blast = system.wait_until_final("/emails", done["result"]["mail_id"])
    assert (blast["status"], blast["result"]["sent"]) == ("success", 2)

    sent = [path.read_text(errors="replace") for path in (system.folder / "outbox").glob("*.eml")]
    about = [text for text in sent if "Subject: Legal, May" in text]
    assert len(about) == 2
    assert all("monthly-report.pdf" in text for text in about)


@pytest.mark.parametrize(
    ("mail", "field"),
    [
        ({"to": []}, "/mail/to"),
        ({"to": ["ada@example.com", "nobody"]}, "mail.to[1]"),
        ({"to": ["ada@example.com"], "attach": "auto"}, "/mail/attach"),
        ({"to": ["ada@example.com"], "subject": "x" * 201}, "/mail/subject"),
        ({"to": ["ada@example.com"], "cc": []}, "/mail"),
        ({"to": [f"a{n}@example.com" for n in range(101)]}, "/mail/to"),
    ],
)
@pytest.mark.parametrize("path", ["/reports", "/exports"])
def test_an_invalid_follow_up_mail_is_refused(
    system: System, path: str, mail: dict[str, Any], field: str
) -> None:
    answer = system.http.post(path, json={"type": "monthly", "filters": LEGAL, "mail": mail})
    assert answer.status_code == 422
    assert field in answer.json()["detail"] + str(answer.json()["errors"])
