"""The Valkey that ``make up`` brings."""

import sys
from ctypes.util import find_library
from pathlib import Path

import pytest

from project.local.valkey import EmbeddedValkey
from tests.support.ports import find_free_port


@pytest.mark.skipif(sys.platform != "linux", reason="/proc is Linux")
def test_it_allocates_with_jemalloc_if_the_machine_has_it(tmp_path: Path) -> None:
    with EmbeddedValkey(tmp_path, find_free_port()) as server:
        assert server.process is not None
        libraries = Path(f"/proc/{server.process.pid}/maps").read_text()

    assert ("libjemalloc" in libraries) == (find_library("jemalloc") is not None)
