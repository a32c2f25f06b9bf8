"""When a cohort's step-up control goes on and off: with hysteresis, expiry, and a record for each."""

from typing import Any, Literal

import pytest

from proofwatch.events.codec import CONTROL
from proofwatch.events.types import Control, Figure, Member, Window
from proofwatch.instants import instant_of, ms_of
from services.aggregator.core.step_up_control import HOLD_MS, LEAD_MS, StepUpState, rule
from services.aggregator.core.times import DAY_MS, DAY_S

DAY0 = 1_768_435_200_000
NOW = DAY0 + 2 * DAY_MS
ON = StepUpState(DAY0, NOW + HOLD_MS)
OFF = StepUpState(DAY0, None)
Status = Literal["PASS", "BREACH", "INSUFFICIENT"]


def window(status: Status | None, day: int = 0, **fields: Any) -> Window:
    k, n = {"BREACH": (9, 100), "PASS": (0, 900), "INSUFFICIENT": (1, 100), None: (0, 0)}[status]
    numbers: dict[str, Any] = {"value": k / n if n else None, "low": None if n == 0 else 0.001, "high": 0.2}
    start = DAY0 + day * DAY_MS
    given: dict[str, Any] = {
        "schema_version": 1,
        "window_id": "6f1a7a52-2f0e-5a53-9d0c-0b8f3c6f4b11",
        "kind": "labelled",
        "tenant": "acme",
        "segment_name": "country",
        "segment_value": "DE",
        "start": instant_of(start),
        "end": instant_of(start + DAY_MS),
        "length_s": DAY_S,
        "revision": 1,
        "backfill": False,
        "counts": {},
        "sums": {},
        "sketches": {},
        "policies": {},
        "figures": (
            Figure(metric="apcer:mask", k=9, n=9, limit=0.005, status="BREACH", coverage=1.0, **numbers),
            Figure(metric="apcer", k=k, n=n, limit=0.005, status=status, coverage=1.0, **numbers),
        ),
    }
    return Window(**(given | fields))


def test_a_breach_turns_it_on_until_a_week_later() -> None:
    """The record says whom, from when, until when, why, and by which numbers."""
    state, control = rule(window("BREACH"), None, NOW)
    assert control is not None
    assert CONTROL.decode(CONTROL.encode(control)) == control
    assert (control.measure, control.state, control.reason) == ("step_up_mfa", "on", "apcer_breach")
    assert (control.tenant, control.segment_name, control.segment_value) == ("acme", "country", "DE")
    assert ms_of(control.effective_from) == NOW + LEAD_MS
    assert control.expires_at == instant_of(NOW + LEAD_MS + HOLD_MS)
    assert control.evidence == {"k": 9, "n": 100, "rate": 0.09, "low": 0.001, "high": 0.2, "limit": 0.005}
    assert state == StepUpState(DAY0, NOW + LEAD_MS + HOLD_MS)


def test_the_evidence_is_of_the_species_in_breach() -> None:
    """Not of the one with the highest rate, which may prove nothing."""
    numbers: dict[str, Any] = {"low": 0.001, "high": 0.2, "limit": 0.005, "coverage": 1.0}
    why = (Member(name="replay", k=100, n=5000, status="BREACH"),)
    figures = (
        Figure(metric="apcer", k=1, n=30, value=1 / 30, status="BREACH", species="mask", because=why, **numbers),
        Figure(metric="apcer:replay", k=100, n=5000, value=0.02, status="BREACH", species="replay", **numbers),
    )
    control = rule(window("BREACH", figures=figures), None, NOW).control
    assert control is not None
    assert (control.evidence["k"], control.evidence["n"], control.evidence["rate"]) == (100, 5000, 0.02)


def test_it_does_not_wait_for_the_name_of_a_species() -> None:
    """Attacks of small or unnamed species that are above the limit together turn it on, by their own numbers."""
    numbers: dict[str, Any] = {"low": 0.001, "high": 0.2, "limit": 0.005, "coverage": 1.0}
    why = (
        Member(name="mask", k=0, n=9, status="INSUFFICIENT", reason="too_few_trials"),
        Member(name=None, k=40, n=60, status="INSUFFICIENT", reason="not_told_apart"),
    )
    figure = Figure(metric="apcer", k=40, n=69, value=40 / 69, status="INSUFFICIENT", because=why, **numbers)
    control = rule(window("INSUFFICIENT", figures=(figure,)), None, NOW).control
    assert control is not None
    assert (control.state, control.evidence["k"], control.evidence["n"]) == ("on", 40, 60)


def test_one_small_species_above_the_limit_turns_it_on() -> None:
    """Four of four masks passed: too few to lead, and enough to act. Beside others, chance may have picked it."""
    numbers: dict[str, Any] = {"low": 0.001, "high": 0.2, "limit": 0.005, "coverage": 1.0}
    mask = Member(name="mask", k=4, n=4, status="INSUFFICIENT", reason="too_few_trials")
    cut = Member(name="cut", k=0, n=20, status="INSUFFICIENT", reason="too_few_trials")
    for because, on in (((mask,), True), ((mask, cut), False), ((cut,), False)):
        figure = Figure(metric="apcer", k=4, n=4, value=1.0, status="INSUFFICIENT", because=because, **numbers)
        assert (rule(window("INSUFFICIENT", figures=(figure,)), None, NOW).control is not None) == on


def test_only_a_pass_turns_it_off() -> None:
    """Too few presentations prove nothing: it stays, until it expires by itself."""
    state, control = rule(window("PASS", 1), ON, NOW + DAY_MS)
    assert control is not None
    assert (control.state, control.reason, control.expires_at) == ("off", "apcer_pass", None)
    assert state == StepUpState(DAY0 + DAY_MS, None)
    assert rule(window("INSUFFICIENT", 1), ON, NOW + DAY_MS) == (ON, None)
    assert rule(window(None, 1), ON, NOW + DAY_MS) == (ON, None)
    assert rule(window("PASS", 1, figures=()), ON, NOW + DAY_MS) == (ON, None)


def test_a_further_day_in_breach_renews_it_and_the_same_day_does_not() -> None:
    """A renewal is a record of its own: what was in force before can still be told."""
    renewed, control = rule(window("BREACH", 1), ON, NOW + DAY_MS)
    assert control is not None
    assert control.state == "on"
    assert renewed == StepUpState(DAY0 + DAY_MS, NOW + DAY_MS + LEAD_MS + HOLD_MS)
    assert rule(window("BREACH", revision=2), ON, NOW + 5) == (ON, None)
    first = rule(window("BREACH"), None, NOW).control
    assert first is not None
    assert first.control_id != control.control_id


def test_after_it_expired_the_same_day_may_turn_it_on_again() -> None:
    """A restatement of the last day, after a week."""
    expired = StepUpState(DAY0, NOW)
    assert rule(window("PASS"), expired, NOW) == (expired, None)
    assert rule(window("BREACH", revision=2), expired, NOW).control is not None


def test_a_restated_day_may_decide_otherwise() -> None:
    """Truth came late: off, and on again."""
    state, control = rule(window("PASS", revision=2), ON, NOW + 5)
    assert control is not None
    assert control.state == "off"
    again = rule(window("BREACH", revision=3), state, NOW + 9).control
    assert again is not None
    assert again.state == "on"


@pytest.mark.parametrize("state", [None, OFF])
def test_while_it_is_off_a_pass_is_no_news(state: StepUpState | None) -> None:
    """No record without a change."""
    assert rule(window("PASS", 1), state, NOW) == (state, None)
    assert rule(window("INSUFFICIENT", 1), state, NOW) == (state, None)


@pytest.mark.parametrize("fields", [{"backfill": True}, {"kind": "decisions"}, {"length_s": 300}])
@pytest.mark.parametrize("status", ["BREACH", "PASS"])
def test_backfill_and_other_windows_decide_nothing(status: Status, fields: dict[str, Any]) -> None:
    """Old data must not demand anything of people today."""
    assert rule(window(status, 1, **fields), ON, NOW) == (ON, None)
    assert rule(window(status, 1, **fields), None, NOW) == (None, None)


def test_a_day_older_than_the_one_that_decided_changes_nothing() -> None:
    """A late restatement of last week does not overrule yesterday."""
    newer = StepUpState(DAY0 + DAY_MS, NOW + HOLD_MS)
    assert rule(window("PASS"), newer, NOW) == (newer, None)
    assert rule(window("BREACH"), StepUpState(DAY0 + DAY_MS, None), NOW).control is None


def test_ids_follow_from_measure_cohort_state_and_beginning() -> None:
    """The same cause gives the same record; another cohort or state another."""
    made: list[Control | None] = [
        rule(window("BREACH"), None, NOW).control,
        rule(window("BREACH", segment_name=None, segment_value=None), None, NOW).control,
        rule(window("PASS"), ON, NOW).control,
    ]
    assert len({each.control_id for each in made if each}) == 3
    assert rule(window("BREACH"), None, NOW) == rule(window("BREACH"), None, NOW)
