"""Generated clients name their functions after the operations, so each has a name of its own."""

from collections import Counter

from tests.reference.routes import build_description


def test_no_two_operations_have_one_id() -> None:
    paths = build_description()["paths"].values()

    operations = [path[method] for path in paths for method in path if method != "parameters"]
    ids = Counter(operation["operationId"] for operation in operations)

    assert [name for name, count in ids.items() if count > 1] == []
