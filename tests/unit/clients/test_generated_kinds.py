"""The types that ``python -m continuo_client.generate`` writes, as mypy understands them."""

import importlib.util
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from continuo_client.generate.module import write_module

from tests.support.programs.processes import ROOT

TEXT = {"type": "string"}
KINDS: list[Any] = [
    {
        "kind": "invoice",
        "path": "/invoices",
        "summary": 'Write "an" invoice\\""" # no code',
        "fields": ["customer", "lines", "class", "tree"],
        "order": {
            "$ref": "#/$defs/InvoiceOrder",
            "$defs": {
                "InvoiceOrder": {
                    "type": "object",
                    "properties": {
                        "delay": {"type": "number"},
                        "customer": TEXT,
                        "lines": {"type": "array", "items": {"$ref": "#/$defs/Line"}},
                        "class": {"anyOf": [{"enum": ["a", 1]}, {"type": "null"}]},
                        "tree": {"$ref": "#/$defs/Tree"},
                    },
                    "required": ["customer", "lines"],
                },
                "Line": {
                    "type": "object",
                    "description": 'A line\n"""of \'text\'',
                    "properties": {"text": TEXT, "amount": {"type": "number"}},
                    "required": ["text"],
                },
                "Tree": {
                    "type": "object",
                    "properties": {
                        "list": TEXT,
                        "leaves": {"type": "array", "items": {"$ref": "#/$defs/Tree"}},
                    },
                },
            },
        },
        "result": {
            "type": "object",
            "properties": {"total": {"type": "number"}},
            "required": ["total"],
        },
    },
    {
        "kind": "class",
        "path": "/invoice/lines",
        "summary": "A kind with a keyword's name, and a name that another type has",
        "fields": ["pair", "names"],
        "order": {
            "title": "Order",
            "type": "object",
            "properties": {
                "pair": {"type": "array", "prefixItems": [TEXT, {"type": "integer"}]},
                "names": {"type": "object", "additionalProperties": {"type": ["string", "null"]}},
            },
        },
        "result": {},
    },
]
DOCUMENT: Any = {"paths": {}, "components": {"schemas": {}}}

RIGHT = """
from continuo_client import AsyncClient, Client
from kinds import class2, invoice


def order(client: Client) -> float:
    record = client.order(invoice({"customer": "A", "lines": [{"text": "x"}]}), delay=5)
    client.order(class2({"pair": ["a", 1], "names": {"a": None}}))
    client.order_many([invoice({"customer": "A", "lines": [], "class": "a"}), class2({})])
    return client.result(record)["total"]


async def aorder(client: AsyncClient) -> float:
    tree = {"leaves": [{"leaves": [], "list": "x"}]}
    record = await client.order(invoice({"customer": "A", "lines": [], "tree": {"leaves": [{}]}}))
    return (await client.result(record))["total"]
"""

WRONG = [
    ('invoice({"lines": []})', 'Missing key "customer"'),
    ('invoice({"customer": 5, "lines": []})', 'expression has type "int"'),
    ('invoice({"customer": "A", "lines": [], "colour": "red"})', 'Extra key "colour"'),
    ('invoice({"customer": "A", "lines": [{"text": "x", "amount": "y"}]})', '"amount"'),
    ('invoice({"customer": "A", "lines": [], "class": "b"})', '"class"'),
    ('client.order(invoice({"customer": "A", "lines": []}), dely=5)', '"dely"'),
    (
        'client.result(client.order(invoice({"customer": "A", "lines": []})))["sum"]',
        '"sum"',
    ),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the module."""
    folder = tmp_path_factory.mktemp("kinds")
    (folder / "kinds.py").write_text(write_module(DOCUMENT, KINDS))
    return folder


@pytest.fixture
def kinds(folder: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("kinds_under_test", folder / "kinds.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def check_types(folder: Path, text: str) -> list[str]:
    """What mypy says of a program, for the oldest Python that the client allows."""
    (folder / "program.py").write_text(text)
    done = subprocess.run(
        [
            sys.executable, "-m", "mypy", "--strict", "--python-version=3.11",
            f"--cache-dir={folder / 'cache'}", "--config-file=", "program.py",
        ],
        cwd=folder,
        env={"MYPYPATH": str(ROOT / "clients/python/src"), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )  # fmt: skip
    return done.stdout.splitlines()


def test_a_right_program_has_the_right_types(folder: Path) -> None:
    told = check_types(folder, RIGHT)

    assert told == ["Success: no issues found in 1 source file"]


def test_each_wrong_payload_is_found(folder: Path) -> None:
    head = "from continuo_client import Client\nfrom kinds import invoice\nclient = Client('x')\n"

    told = check_types(folder, head + "\n".join(line for line, _ in WRONG))

    errors = [line for line in told if ": error: " in line]
    for number, (line, words) in enumerate(WRONG, 4):
        found = [each for each in errors if each.startswith(f"program.py:{number}: ")]
        assert any(words in each for each in found), (line, told)


def test_an_order_has_kind_path_and_payload(kinds: ModuleType) -> None:
    order = kinds.invoice({"customer": "A", "lines": []})

    assert (order.kind, order.path) == ("invoice", "/invoices")
    assert order.with_options(delay=1).build_body() == {"customer": "A", "lines": [], "delay": 1}


def test_words_of_the_api_are_no_code(kinds: ModuleType) -> None:
    assert kinds.invoice.__doc__ == KINDS[0]["summary"]
    assert kinds.InvoiceLine.__doc__ == 'A line\n"""of \'text\''


def test_the_same_kinds_make_the_same_module() -> None:
    assert write_module(DOCUMENT, KINDS) == write_module(DOCUMENT, KINDS[::-1])
