"""The lists on pages besides the README are up to date."""

import re

from project.settings.api_keys import SCOPES
from tests.support.documents.markdown import ROOT, read_section, read_table_rows

DEPLOYMENT = ROOT / "docs" / "how-to" / "deployment.md"
KEYS = ROOT / "docs" / "how-to" / "keys-and-tenants.md"
SECTION = "With Docker Compose"


def test_the_compose_variables_match_the_compose_file() -> None:
    cells = " ".join(row[0] for row in read_table_rows(SECTION, DEPLOYMENT))
    told = set(re.findall(r"`([A-Z_]+)`", cells))
    exported = set(re.findall(r"([A-Z_]+)=me:", read_section(SECTION, DEPLOYMENT)))
    known = set(re.findall(r"\$\{([A-Z_]+)", (ROOT / "docker-compose.yml").read_text()))

    assert told | exported == known


def test_the_scopes_on_the_page_match_the_scopes_of_keys() -> None:
    told = {row[0].strip("`") for row in read_table_rows("Give every client a key", KEYS)}

    assert told == SCOPES
