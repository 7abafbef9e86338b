import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.http.paths import Paths, parse_parameter_names


def paths(*templates: str) -> Paths[str]:
    """Each template under GET, leading to itself."""
    made: Paths[str] = Paths()
    for template in templates:
        made.add("GET", template, template)
    return made


def test_a_template_without_parameters_matches_only_itself() -> None:
    made = paths("/", "/openapi.json")

    assert made.find("GET", "/openapi.json") == ("/openapi.json", {})
    assert made.find("GET", "/") == ("/", {})
    for other in ("/openapi_json", "/openapi.json/", "//openapi.json", ""):
        assert made.find("GET", other) is None


def test_a_parameter_matches_one_whole_segment() -> None:
    made = paths("/a/{id}", "/a/{id}/b/{part}")

    assert made.find("GET", "/a/7") == ("/a/{id}", {"id": "7"})
    assert made.find("GET", "/a/7/b/8") == ("/a/{id}/b/{part}", {"id": "7", "part": "8"})
    for other in ("/a/", "/a//", "/a/7/", "/a/7/b", "/a/7/b/", "/a//b/8", "/a/7/c/8", "/b/7"):
        assert made.find("GET", other) is None


def test_a_parameter_is_decoded_after_the_path_is_split() -> None:
    found = paths("/a/{id}").find("GET", "/a/x%20y%2Fz%C3%A9")
    assert found == ("/a/{id}", {"id": "x y/zé"})


def test_literal_segments_win_over_parameters_from_the_left() -> None:
    made = paths("/{kind}/{id}", "/{kind}/stats", "/a/{id}", "/a/stats")
    assert [made.find("GET", path) for path in ("/a/stats", "/a/7", "/b/stats", "/b/7")] == [
        ("/a/stats", {}),
        ("/a/{id}", {"id": "7"}),
        ("/{kind}/stats", {"kind": "b"}),
        ("/{kind}/{id}", {"kind": "b", "id": "7"}),
    ]


def test_a_method_that_the_closest_template_lacks_is_found_at_another() -> None:
    made = paths("/a/stats")

    made.add("DELETE", "/a/{id}", "deleted")

    assert made.find("DELETE", "/a/stats") == ("deleted", {"id": "stats"})
    assert made.methods("/a/stats") == {"GET", "DELETE"}
    assert made.methods("/a/7") == {"DELETE"}
    assert made.methods("/b") == set()


def test_the_same_method_and_template_twice_is_refused() -> None:
    with pytest.raises(ValueError, match=r"there is a route already: GET /a/\{id\}"):
        paths("/a/{id}", "/a/{id}")


@pytest.mark.parametrize(
    "template", ["", "a", "/a/", "/a//b", "/{id}.json", "/*rest", "/:id", "/{}"]
)
def test_a_template_has_only_literal_segments_and_parameters(template: str) -> None:
    with pytest.raises(ValueError, match="not a path template"):
        paths(template)


def test_the_parameters_of_a_template_have_names() -> None:
    assert parse_parameter_names("/a/{id}/b/{part}") == ["id", "part"]


@given(st.text(alphabet="/a{}%7.", max_size=12))
def test_no_path_makes_the_lookup_fail(path: str) -> None:
    made = paths("/", "/a", "/a/{id}", "/{kind}/a")
    found = made.find("GET", path)
    assert (found is not None) == bool(made.methods(path))
