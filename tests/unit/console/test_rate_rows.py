"""Rates in rows: each says what its status means, and is drawn on the scale of its table."""

from datetime import UTC, datetime
from typing import Any

from services.aggregator.api.bodies import Rate, Rates
from services.console.pages.rate_rows import WIDTH, groups, percent


def rate(metric: str, k: int, n: int, **given: Any) -> Rate:
    value = k / n if n else None
    nothing = dict.fromkeys(Rate.model_fields)
    ends = {"low": value and value * 0.9, "high": value and value * 1.1} if n else {}
    return Rate(**{**nothing, "source": "labelled", "metric": metric, "k": k, "n": n, "value": value, **ends, **given})


def rates(*given: Rate) -> Rates:
    return Rates(
        tenant="acme", since=datetime(2026, 1, 1, tzinfo=UTC), until=None, zone="UTC", policy="default",
        policy_hash="0" * 32, segment_names=["os"], small_cell=10, small_values=0, small_transactions=0, notes=[],
        rates=list(given),
    )  # fmt: skip


def test_a_status_is_a_sentence() -> None:
    said = {
        row.status: row.says
        for group in groups(
            rates(
                rate("fmr", 1, 100_000, limit=0.0001, status="PASS", coverage=0.5),
                rate("apcer", 50, 100, limit=0.07, status="BREACH", species="mask"),
                rate("fnmr", 1, 100, limit=0.05, status="INSUFFICIENT", reason="straddles_the_limit",
                     needed_without_error=1_200, needed_at_present_rate=9_000),
                rate("rejection_rate", 5, 100, source="decisions"),
            )
        )
        for row in group.rows
    }  # fmt: skip
    assert said == {
        "PASS": "Proven to keep its limit of 0.010%. Labels cover 50.0% of the transactions.",
        "BREACH": "Proven to be above its limit of 7.00%.",
        "INSUFFICIENT": (
            "Nothing is proven about its limit of 5.00%: the interval goes from below the limit to above it; "
            "1,200 more trials without an error would prove that it is kept; at the present rate it takes 9,000 more "
            "trials to decide."
        ),
        "no limit": "",
    }


def test_of_a_tenant_labels_come_before_decisions_and_what_was_not_counted_is_left_out() -> None:
    found = groups(rates(rate("rejection_rate", 5, 100, source="decisions"), rate("fmr", 1, 100), rate("far", 0, 0)))
    assert [(group.first, [row.name for row in group.rows]) for group in found] == [
        ("Rate", ["Impostors matched (FMR)"]), ("Rate", ["Rejections"]),
    ]  # fmt: skip
    assert [group.title.partition(":")[0] for group in found] == ["By labels", "By decisions alone"]
    assert groups(rates()) == []


def test_values_of_a_segment_stand_beside_each_other_the_highest_lower_bound_first() -> None:
    two = [rate("fnmr", k, 100, segment_name="os", segment_value=os, limit=0.2) for os, k in (("ios", 1), ("a", 10))]
    worst, one = (
        rate(metric, 3, 10, segment_name="os", segment_value="ios", species="mask")
        for metric in ("apcer", "apcer:mask")
    )
    found = groups(rates(*two, worst, one))
    assert [group.title for group in found] == [
        "Attacks passed as bona fide (APCER), the worst species: mask", "Attacks passed as bona fide (APCER), mask",
        "Genuine people not matched (FNMR)",
    ]  # fmt: skip
    assert [row.name for row in found[2].rows] == ["a", "ios"]
    bars = [row.bar for row in found[2].rows if row.bar]
    assert all(0 <= bar.low <= bar.at <= bar.high <= WIDTH for bar in bars)
    assert bars[0].at == 10 * bars[1].at, "one scale for all"
    assert {bar.limit for bar in bars} == {WIDTH}


def test_a_rate_is_told_as_finely_as_it_is_known() -> None:
    assert [percent(each) for each in (None, 0.0, 0.00012, 0.0123, 0.5)] == ["–", "0.000%", "0.012%", "1.23%", "50.0%"]
