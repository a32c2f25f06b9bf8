"""A new tenant of whom more fail than the policy expects, from the first morning on: nothing happened, one incident."""

from datetime import timedelta
from itertools import permutations
from typing import Any

import pytest

from proofwatch.detection.ever_so import before
from proofwatch.detection.findings import WHOLE, Panel, Slice
from proofwatch.detection.incident import Incident
from proofwatch.detection.incidents import Incidents, regrouped, take
from proofwatch.detection.revisions import finding_of
from proofwatch.detection.sentences import incident_sentence
from proofwatch.events.types import Anomaly
from tests.unit.detection.anomalies import MIDNIGHT, anomaly, within

_DAY = 1440


def chart(since: int = 365, around: int = 360, **more: Any) -> Anomaly:
    """Return what a chart was sure of on the third day: 4 % where the policy expects 2."""
    sides = {"since_low": -around, "since_high": 90}
    bounds: dict[str, Any] = {name: MIDNIGHT + timedelta(minutes=since + by) for name, by in sides.items()}
    fields: dict[str, Any] = {"k": 101, "n": 2394, "length_s": 3_600 * 58, "direction": "up", "affected": 53.1}
    return anomaly(rule="cusum", minute=since, since=MIDNIGHT + timedelta(minutes=since), **bounds, **(fields | more))


def days(first: int, many: int, k: int, n: int, **more: Any) -> Anomaly:
    """Return what so many days together found."""
    return anomaly(minute=first * _DAY, length_s=many * 86_400, k=k, n=n, **more)


def told(*found: Anomaly, weeks: dict[Anomaly, tuple[int, int]] | None = None) -> list[Incident]:
    """Return the incidents; `weeks`: how many failed in the week before a finding, of how many; nobody came before."""
    tables: dict[Panel, dict[Slice, tuple[int, int]]] = {}
    for each in found:
        if each.state == "firing" and (week := before(finding_of(each))):
            came = (weeks or {}).get(each)
            tables[week] = {WHOLE: came} if came else {}
    state = Incidents(tables=tables)
    for each in found:
        state, _ = regrouped(take(state, [each]))
    return [each for each in state.incidents.values() if each.state != "merged"]


def test_it_is_told_as_what_the_policy_did_not_expect() -> None:
    """Since the first that is known, of low urgency, and with what to do: look at what is expected."""
    (found,) = told(chart())
    assert (found.ever_so, found.evidence, found.severity) == (True, "strong", "low")
    said = incident_sentence(found)
    assert said.startswith("More failed liveness checks than the policy expects at all of bank, from the first that")
    assert "It began between" not in said
    assert "2026-03-02" not in said.partition(".")[0], "there is no time at which it began"
    assert "Next: check the threshold of the check, and what the policy expects of this tenant" in said


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_it_is_one_incident_until_what_is_usual_is_known(order: tuple[int, ...]) -> None:
    """The chart knows a week later what is usual, seven days together compare with the policy for weeks."""
    first, later = chart(), days(12, 7, 257, 6293)
    found = [first, within(first, 10 * _DAY), later]
    (one,) = told(*(found[each] for each in order), weeks={later: (246, 6246)})
    assert one.ever_so


def test_what_rose_on_the_first_day_did_happen() -> None:
    """Ten hours of 1 %, then 4 %: the policy expects 2, but there is an earlier time to compare with."""
    rose = chart(1200, around=60)
    (found,) = told(rose, weeks={rose: (6, 600)})
    assert (found.ever_so, found.severity) == (False, "high")
    assert incident_sentence(found).startswith("Too many failed liveness checks at all of bank")


def test_a_day_that_is_the_worst_of_many_does_not_say_that_the_week_before_it_was_better() -> None:
    """6.9 % of 708 and 5.6 % of 4,000 are the same rate, as far as 708 tell: nothing happened since the first day."""
    worst = days(8, 1, 49, 708, p_value=1e-8, baseline=0.03)
    (found,) = told(worst, weeks={worst: (225, 4000)})
    assert found.ever_so
    (rose,) = told(worst, weeks={worst: (80, 4000)})
    assert not rose.ever_so


def test_a_tenant_of_whom_one_in_five_is_kept_out_is_urgent() -> None:
    """Whatever the policy expects."""
    (found,) = told(chart(k=700, affected=650.0))
    assert (found.ever_so, found.severity) == (True, "high")


def test_a_slice_stands_beside_the_rest_of_its_tenant_and_what_is_known_beside_what_was() -> None:
    """Both have something to be compared with."""
    assert before(finding_of(days(0, 1, 50, 900, where=("os", "ios")))) is None
    assert before(finding_of(days(0, 1, 50, 900, baseline_n=9000))) is None
    assert before(finding_of(days(0, 1, 50, 900, direction="down"))) is None
