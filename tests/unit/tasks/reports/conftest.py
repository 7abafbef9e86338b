"""An order of a report, and the folder that its files go to."""

from pathlib import Path

import pytest

from tasks.rendering.definitions.schema import RenderOrder
from tasks.reports.documents import build_report_order
from tests.support.report_pdfs import make_folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the press works."""
    return tmp_path


@pytest.fixture
def order(folder: Path) -> RenderOrder:
    """An order of a monthly report, to change."""
    return build_report_order("monthly", {}, ["pdf"], make_folder(folder))
