"""Forest plots: one axis for all that is compared, ends that are round, and arrows where an interval goes on."""

import pytest

from proofwatch.biometrics.intervals import wilson
from services.aggregator.api.bodies import Rate
from services.console.pages.forest import WIDTH, proven, segments, species
from tests.unit.console.test_rate_rows import rate


def of(metric: str, k: int, n: int, value: str | None = None, **given: object) -> Rate:
    low, high = wilson(k, n)
    return rate(metric, k, n, low=low, high=high, segment_name=value and "os", segment_value=value, **given)


def test_values_of_a_segment_lie_on_one_axis_beside_the_whole_tenant() -> None:
    values = [of("bpcer", 1, 100, "ios", limit=0.01), of("bpcer", 30, 100, "a", limit=0.01, status="BREACH")]
    (plot,) = segments(values, [of("bpcer", 31, 200, limit=0.01)])
    assert [line.name for line in plot.lines] == ["a", "ios"]
    assert [line.place for line in plot.lines] == ["os=a", "os=ios"]
    assert [tick.text for tick in plot.axis.ticks] == ["0 %", "10 %", "20 %", "30 %", "40 %"]
    assert plot.axis.ticks[-1].at == WIDTH
    assert (plot.axis.limit, plot.axis.whole) == (8.0, 124.0)
    assert [line.point.at for line in plot.lines if line.point] == [240.0, 8.0]
    assert (plot.limit, plot.whole) == ("1.00%", "15.5%")


def test_few_trials_leave_room_for_what_is_told_apart() -> None:
    """The interval of 0 of 2 reaches to 66 %: it is cut where the axis ends, and said to go on."""
    values = [of("bpcer", 0, 2, "rare"), of("bpcer", 10, 1_000, "often")]
    (plot,) = segments(values, [])
    points = {line.name: line.point for line in plot.lines}
    assert points["rare"] is not None
    assert points["often"] is not None
    assert (points["rare"].beyond, points["rare"].high, points["often"].beyond) == (True, WIDTH, False)
    assert points["often"].at > WIDTH / 3


@pytest.mark.parametrize(("k", "n"), [(0, 1), (1, 1), (0, 10_000_000), (1, 3), (999, 1_000), (7, 1_000_003)])
def test_an_axis_has_a_few_round_steps_and_ends_at_one_at_most(k: int, n: int) -> None:
    (plot,) = segments([of("fmr", k, n, "a")], [])
    ticks = plot.axis.ticks
    assert 3 <= len(ticks) <= 6
    assert [tick.at for tick in ticks] == sorted({tick.at for tick in ticks})
    assert float(ticks[-1].text.removesuffix(" %")) <= 100
    assert all(0 <= line.point.low <= line.point.at <= line.point.high <= WIDTH for line in plot.lines if line.point)


def test_species_are_judged_by_themselves_and_a_headline_is_none_of_them() -> None:
    rates = [
        of("apcer", 5, 100, species="mask", limit=0.07),
        of("apcer:mask", 5, 100, species="mask", limit=0.07, status="INSUFFICIENT"),
        of("apcer:print", 0, 3_000, species="print", limit=0.07, status="PASS"),
        of("injection_pass_rate:virtual_camera", 1, 5),
    ]
    found = species(rates)
    assert [(plot.metric, plot.first, [line.name for line in plot.lines]) for plot in found] == [
        ("apcer", "Species", ["mask", "print"]), ("injection_pass_rate", "Method", ["virtual_camera"]),
    ]  # fmt: skip
    assert proven(found) == (0, 1, 1)


def test_labels_come_before_decisions_and_those_of_each_species_are_elsewhere() -> None:
    values = [
        of("rejection_rate", 1, 10, "ios", source="decisions"), of("apcer:mask", 1, 10, "ios"),
        of("apcer", 1, 10, "ios", species="mask"), of("fta", 1, 10, "ios"),
    ]  # fmt: skip
    found = segments(values, [])
    assert [plot.title for plot in found] == [
        "Attacks passed as bona fide (APCER)", "Failures to acquire", "Rejections, by decisions",
    ]  # fmt: skip
    assert found[0].lines[0].beside == "the worst species: mask"
