"""Ranges and entity tags of files."""

from typing import Any

import pytest

from api.http.problems import Problem
from api.server.byte_ranges import RangeAnswer, select_range
from project.artifacts.links import Artifact

ARTIFACT = Artifact(f"2026-11-25/{'ab' * 32}.pdf", "report.pdf")
TAG = '"abababababababababababababababab"'


def select_for(size: int = 100, **headers: str) -> RangeAnswer:
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return select_range(ARTIFACT, size, lambda name: names.get(name, ""))


def test_without_a_range_the_whole_file_is_sent() -> None:
    piece = select_for()

    assert (piece.status, piece.start, piece.length) == (200, 0, 100)
    assert piece.headers["ETag"] == TAG
    assert piece.headers["Accept-Ranges"] == "bytes"
    assert piece.headers["Content-Disposition"] == 'attachment; filename="report.pdf"'


@pytest.mark.parametrize(
    ("wanted", "start", "length", "said"),
    [
        ("bytes=0-0", 0, 1, "bytes 0-0/100"),
        ("bytes=10-19", 10, 10, "bytes 10-19/100"),
        ("bytes=90-", 90, 10, "bytes 90-99/100"),
        ("bytes=90-500", 90, 10, "bytes 90-99/100"),
        ("bytes=-5", 95, 5, "bytes 95-99/100"),
        ("bytes=-500", 0, 100, "bytes 0-99/100"),
    ],
)
def test_a_range_selects_a_part_of_the_file(
    wanted: str, start: int, length: int, said: str
) -> None:
    piece = select_for(range=wanted)
    assert (piece.status, piece.start, piece.length) == (206, start, length)
    assert piece.headers["Content-Range"] == said


@pytest.mark.parametrize("wanted", ["bytes=100-", "bytes=500-600", "bytes=-0", "bytes=9-3"])
def test_a_range_beyond_the_end_is_refused_with_the_size(wanted: str) -> None:
    with pytest.raises(Problem) as caught:
        select_for(range=wanted)

    assert caught.value.status == 416
    assert caught.value.headers == {"Content-Range": "bytes */100"}


@pytest.mark.parametrize(
    "wanted", ["bytes=0-1,5-6", "bytes=-", "lines=1-2", "bytes=a-b", f"bytes={'9' * 40}-", "bytes"]
)
def test_an_invalid_range_or_several_ranges_select_the_whole_file(wanted: str) -> None:
    assert select_for(range=wanted).status == 200


def test_an_empty_file_has_no_range() -> None:
    assert select_for(size=0).status == 200
    with pytest.raises(Problem):
        select_for(size=0, range="bytes=0-")


@pytest.mark.parametrize("known", [TAG, f'W/{TAG}, "x"', "*"])
def test_a_file_that_the_client_has_is_not_sent_again(known: str) -> None:
    assert select_for(if_none_match=known).status == 304


@pytest.mark.parametrize(("tag", "status"), [(TAG, 206), ('"other"', 200), ("a date", 200)])
def test_a_download_resumes_only_with_the_same_file(tag: str, status: int) -> None:
    headers: dict[str, Any] = {"range": "bytes=50-", "if_range": tag}
    assert select_for(**headers).status == status
