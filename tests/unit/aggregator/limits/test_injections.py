"""Attacks that labels prove to have been injected: how many, how many of them got in, told while labels come."""

import pytest

from proofwatch.events.codec import ANOMALY
from proofwatch.governance.policy import load_policy
from services.aggregator.core.entries import Assertion, Entry, Trial
from services.aggregator.core.limits.judging import promises
from services.aggregator.core.limits.trials import LimitKey, changes
from tests.unit.aggregator.limits.tenant import POLICY, Tenant, counted

METRIC = "injection_accept_rate"


def test_it_is_held_to_what_is_promised_of_presented_attacks() -> None:
    """IAPAR, else APCER: nobody promises anything of injections, and that so many get in is no better."""
    assert promises(POLICY.limits, 30)[METRIC].limit == POLICY.limits.apcer
    nist = load_policy().limits.model_copy(update={"apcer": None, "iapar": 0.07})
    assert promises(nist, 30)[METRIC].limit == 0.07
    assert METRIC not in promises(POLICY.limits.model_copy(update={"apcer": None}), 30)


def test_a_wave_is_a_finding_with_everybody_who_got_in() -> None:
    """26 of 120: the counts, the method, the days, and as harm each one, not those beyond a limit."""
    (event,) = Tenant().evaluate(
        {
            counted(METRIC, 3, late=1, species="deepfake"): (18, 80),
            counted(METRIC, 4, species="deepfake"): (8, 40),
        }
    )
    assert ANOMALY.decode(ANOMALY.encode(event)) == event
    assert (event.rule, event.metric, event.severity, event.k, event.n) == ("limit_breach", METRIC, "high", 26, 120)
    assert (event.species, event.affected) == (("deepfake",), 26)


def test_a_few_proven_ones_are_told_at_once() -> None:
    """17 of 24 got in, the fifth of them known on the second day: nobody waits for thirty to be named."""
    tenant = Tenant()
    days = ((4, 5), (8, 10), (5, 9))
    told = tenant.day_by_day({counted(METRIC, at, species="deepfake"): k_n for at, k_n in enumerate(days)}, 2)
    assert [(each.state, each.severity, each.k, each.n) for each in told] == [
        ("firing", "high", 12, 15), ("firing", "high", 17, 24),
    ]  # fmt: skip


def test_what_comes_later_is_counted_on() -> None:
    """Labels come over days: each evaluation that knows more tells it, as the same finding."""
    tenant = Tenant()
    (first,) = tenant.evaluate({counted(METRIC, 0, species="deepfake"): (8, 40)})
    (second,) = tenant.evaluate({counted(METRIC, 0, late=1, species="deepfake"): (10, 60)})
    assert second.anomaly_id == first.anomaly_id
    assert (second.state, second.severity, second.revision) == ("firing", "high", 2)
    assert (second.k, second.n, second.affected) == (18, 100, 18)


def test_methods_are_counted_together_and_named() -> None:
    """Both are above the limit: the wave is both."""
    counts = {counted(METRIC, 0, species="deepfake"): (10, 60), counted(METRIC, 0, species="replay"): (9, 40)}
    (event,) = Tenant().evaluate(counts)
    assert (event.k, event.n) == (19, 100)
    assert set(event.species or ()) == {"deepfake", "replay"}


@pytest.mark.parametrize(
    ("match", "decision", "found"),
    [
        ("pass", "accept", (1, 1)),
        ("pass", "retry", (0, 1)),
        ("missing", "retry", (0, 1)),
        ("not_requested", "accept", None),
    ],
)
def test_an_injection_counts_where_both_checks_judged_it(
    match: str, decision: str, found: tuple[int, int] | None
) -> None:
    """By the decision; it is in no figure of presented attacks."""
    trial = Trial(5, 1_000, "p", decision, match, "pass", 0.9, 0.9, 0.5, 0.5, "{}")
    label = Assertion(50, 1, "l", "injection:deepfake", 1.0, -7)
    keys = [(key, (k, n)) for _, key, k, n, _ in changes(Entry(trial), Entry(trial, None, label), 9)]
    told = [(key, counts) for key, counts in keys if key.metric != "far"]
    assert told == ([] if found is None else [(LimitKey(METRIC, "deepfake"), found)])
