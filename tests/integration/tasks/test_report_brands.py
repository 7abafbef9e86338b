"""A report has the brand of the tenant that owns its job: by a real worker."""

from pathlib import Path

from project.celery import app
from tasks.reports import generate_report
from tests.support.programs.workers import JobInspector, Workers

LEGAL = {"department": "legal", "month": "2026-05"}


def test_a_report_has_the_brand_of_its_tenant(
    inspector: JobInspector, workers: Workers, tmp_path: Path
) -> None:
    brands = tmp_path / "brands"
    (brands / "acme").mkdir(parents=True)
    (brands / "brand.toml").write_text('name = "Nordlicht"\nfooter = "Hamburg"\n')
    (brands / "acme" / "brand.toml").write_text('name = "Acme"\n')
    workers.start("--concurrency=1", BRANDS_DIR=str(brands)).ready()
    kwargs = {
        "type": "monthly",
        "filters": LEGAL,
        "format": "html",
        "region": {"locale": "de", "currency": "EUR"},
    }
    pages = {}

    for tenant in ("acme", "other"):
        app.enqueue(message := generate_report.message(kwargs=kwargs).owned_by(tenant))
        record = inspector.wait_until_final(message.id, 60)
        assert (record.status, record.error) == ("success", "")
        (file,) = workers.folder.glob(f"artifacts/*/{record.result['sha256']}.html")
        pages[tenant] = file.read_text()

    assert "Acme · Made from" in pages["acme"]
    assert "Nordlicht · Made from" in pages["other"]
    assert all("<div>Hamburg</div>" in page and "\xa0€" in page for page in pages.values())
