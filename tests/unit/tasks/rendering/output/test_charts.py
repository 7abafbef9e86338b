import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.rendering.definitions.schema import Chart
from tasks.rendering.output.charts import STEPS_PER_AXIS, ChartAxis, Mark, build_chart
from tasks.rendering.output.formats import ValueFormatter

BARS = Chart(kind="bar", title="Spend", x="x", y="y", format="integer", most=3)
LINE = Chart(kind="line", title="Spend", x="x", y="y", format="integer")


@given(
    st.lists(
        st.floats(min_value=-1e12, max_value=1e12).filter(lambda v: v == 0 or abs(v) > 1e-6),
        min_size=1,
        max_size=40,
    )
)
def test_a_scale_holds_zero_and_every_value_with_a_few_ticks(values: list[float]) -> None:
    axis = ChartAxis.from_values(values)

    assert all(0 <= axis.position_of(value) <= 1 for value in [0.0, *values])
    assert 2 <= len(axis.ticks) <= STEPS_PER_AXIS + 3
    assert axis.ticks == sorted(set(axis.ticks))


@pytest.mark.parametrize("values", [[0.0, 0.0], [-5.0, -5.0], [7.0, 7.0]])
def test_equal_values_have_a_scale(values: list[float]) -> None:
    axis = ChartAxis.from_values(values)
    assert axis.low < axis.high


@pytest.mark.parametrize("points", [[], [("a", 1.0)], [("a", 1.0), ("b", float("nan"))]])
def test_a_single_point_gives_no_chart(points: list[tuple[str, float]]) -> None:
    assert build_chart(BARS, [Mark(*point) for point in points], ValueFormatter()) is None


def test_omitted_bars_are_mentioned() -> None:
    chart = build_chart(BARS, [Mark(str(at), 9.0 - at) for at in range(5)], ValueFormatter())

    assert chart is not None
    assert len(chart["bars"]) == 3
    assert chart["note"] == "The 3 largest of 5"


def test_a_negative_bar_ends_where_a_positive_one_starts() -> None:
    chart = build_chart(BARS, [Mark("gain", 10.0), Mark("loss", -10.0)], ValueFormatter())
    assert chart is not None
    gain, loss = chart["bars"]

    assert loss["start"] + loss["length"] == pytest.approx(gain["start"])


def test_a_line_with_many_points_gets_few_labels() -> None:
    chart = build_chart(LINE, [Mark(str(at), float(at)) for at in range(365)], ValueFormatter())

    assert chart is not None
    assert len(chart["points"]) == 365
    assert len(chart["labels"]) <= 12


def test_a_chart_has_a_text_description() -> None:
    chart = build_chart(
        LINE, [Mark("Jan", 1000.0), Mark("Feb", 3000.0), Mark("Mar", 2000.0)], ValueFormatter()
    )
    assert chart is not None
    assert chart["alt"].endswith(
        "from 1,000 at Jan to 2,000 at Mar; lowest 1,000 at Jan, highest 3,000 at Feb"
    )


STACKED = Chart(kind="stacked", title="Sold", x="x", y="y", format="integer", series="s")
SHARE = Chart(kind="share", title="Sold", x="x", y="y", format="integer")


def test_the_parts_of_a_column_are_stacked() -> None:
    marks = [Mark("Jan", 30.0, "web"), Mark("Jan", 10.0, "shop"), Mark("Feb", 20.0, "web")]
    chart = build_chart(STACKED, marks, ValueFormatter())
    assert chart is not None
    assert chart["legend"] == ["web", "shop"]

    january, february = (column["parts"] for column in chart["columns"])
    assert january[1]["start"] == pytest.approx(january[0]["length"])
    assert february[1]["length"] == 0
    assert january[0]["length"] + january[1]["length"] <= 1
    assert chart["alt"].endswith("in all of them: web 50; shop 10")


def test_small_series_are_summed_up_as_other() -> None:
    marks = [Mark(label, 10.0 - at, f"s{at}") for label in ("a", "b") for at in range(9)]
    chart = build_chart(STACKED, marks, ValueFormatter())
    assert chart is not None
    assert chart["legend"] == ["s0", "s1", "s2", "s3", "s4", "Other"]

    whole = sum(part["length"] for part in chart["columns"][0]["parts"])
    assert whole == pytest.approx(ChartAxis.from_values([54.0]).position_of(54.0), abs=1e-4)


def test_the_shares_add_up_to_the_whole() -> None:
    marks = [Mark(str(at), 8.0 - at) for at in range(8)]

    chart = build_chart(SHARE, marks, ValueFormatter())
    assert chart is not None
    *_, last = chart["parts"]

    assert last["label"] == "Other (3)"
    assert last["start"] + last["length"] == pytest.approx(1.0, abs=1e-4)
    assert sum(part["length"] for part in chart["parts"]) == pytest.approx(1.0, abs=1e-4)


@pytest.mark.parametrize("chart", [STACKED, SHARE])
def test_negative_values_have_no_share(chart: Chart) -> None:
    assert build_chart(chart, [Mark("a", 1.0, "s"), Mark("b", -1.0, "s")], ValueFormatter()) is None
