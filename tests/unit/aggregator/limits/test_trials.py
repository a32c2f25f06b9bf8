"""What labelled transactions count towards the limits, and when that is known."""

from typing import Any

import pytest

from services.aggregator.core.calendars import utc_days
from services.aggregator.core.entries import Assertion, Entry, Trial
from services.aggregator.core.labelled import DAY_US, Deltas
from services.aggregator.core.limits.trials import Counted, LimitKey, changes


def trial(**given: Any) -> Trial:
    fields: dict[str, Any] = {
        "logged_ms": 1_000,
        "occurred_us": 3 * DAY_US,
        "policy_hash": "p",
        "decision": "accept",
        "match_outcome": "pass",
        "liveness_outcome": "pass",
        "match_score": 0.9,
        "liveness_score": 0.999,
        "match_threshold": 0.85,
        "liveness_threshold": 0.995,
        "segments": "{}",
    }
    return Trial(**(fields | given))


def asserts(trial_class: str, logged_ms: int = 0, authority: int = 1) -> Assertion:
    return Assertion(authority, 0, "l", trial_class, 1.0, -logged_ms)


@pytest.mark.parametrize(
    ("trial_class", "given", "expected"),
    [
        ("genuine", {}, {("fnmr", ""): 0}),
        ("genuine", {"match_outcome": "marginal"}, {("fnmr", ""): 0}),
        ("genuine", {"match_outcome": "fail"}, {("fnmr", ""): 1}),
        ("genuine", {"match_outcome": "missing"}, {}),
        ("impostor", {}, {("fmr", ""): 1}),
        ("impostor", {"match_outcome": "fail"}, {("fmr", ""): 0}),
        ("impostor", {"match_outcome": "not_requested"}, {}),
        ("bona_fide", {"liveness_outcome": "fail"}, {("bpcer", ""): 1}),
        ("bona_fide", {"liveness_outcome": "missing"}, {}),
        ("attack:mask", {}, {("apcer", "mask"): 1, ("iapar", "mask"): 1}),
        ("attack:mask", {"decision": "retry"}, {("apcer", "mask"): 1, ("iapar", "mask"): 0}),
        ("attack:mask", {"liveness_outcome": "missing", "decision": "retry"}, {("iapar", "mask"): 0}),
        ("attack:mask", {"match_outcome": "not_requested"}, {("apcer", "mask"): 1}),
        ("attack:mask", {"liveness_outcome": "not_requested"}, {}),
        ("injection:camera", {}, {("injection_accept_rate", "camera"): 1}),
        ("injection:camera", {"match_outcome": "not_requested"}, {}),
    ],
)
def test_what_a_labelled_transaction_counts(trial_class: str, given: dict[str, Any], expected: dict[Any, int]) -> None:
    """ISO/IEC 19795-1 and 30107-3: no score, no trial; injection is no presentation attack."""
    of_pair = trial_class in ("genuine", "impostor")
    entry = Entry(trial(**given), asserts(trial_class) if of_pair else None, None if of_pair else asserts(trial_class))
    found = {key: k for _, key, k, n, _ in changes(Entry(), entry, 0) if n == 1}
    assert found == {LimitKey(*key): k for key, k in expected.items()}


def test_a_change_is_known_when_both_are_logged_whichever_was_read_last() -> None:
    """A lane of labels may be ahead of the one of verdicts, or behind."""
    verdict, label = Entry(trial(logged_ms=1_000)), Entry(None, asserts("genuine", 9_000))
    both = verdict.join(label)
    label_last = [known for *_, known in changes(verdict, both, 9_000)]
    verdict_last = [known for *_, known in changes(label, both, 1_000)]
    assert label_last == verdict_last == [9_000]
    ahead = [known for *_, known in changes(verdict, both, 20_000)]
    assert ahead == [20_000]  # a lane that had come further in time: its closings are judged


def test_an_aspect_that_did_not_change_counts_once() -> None:
    """Only what a later label says is taken back and counted anew."""
    first = Entry(trial(match_outcome="fail"), asserts("genuine", 1_000), asserts("bona_fide", 1_000))
    second = first.join(Entry(None, None, asserts("attack:mask", 5_000, authority=2)))
    changed = [(key, k, n) for _, key, k, n, _ in changes(first, second, 5_000)]
    assert changed == [
        (LimitKey("bpcer"), 0, -1),
        (LimitKey("apcer", "mask"), 1, 1),
        (LimitKey("iapar", "mask"), 1, 1),
        (LimitKey("far"), 1, 0),
    ]


def test_counts_are_kept_by_day_cohort_and_day_of_evaluation() -> None:
    """A day never counts before its own evaluation, however early it is known."""
    deltas = Deltas(known_on=lambda _, seen_ms: seen_ms // 1_000, days_of=utc_days)
    entry = Entry(trial(segments='{"os":"ios"}', match_outcome="fail"), asserts("genuine", 2_000))
    deltas.change("bank", Entry(), entry, 2_000)
    late = Entry(trial(), asserts("genuine", 7_000))
    deltas.change("bank", Entry(), late, 7_000)
    deltas.settle()
    assert deltas.limits == {
        Counted("bank", "", "", "fnmr", "", 3, 3): (1, 1),
        Counted("bank", "os", "ios", "fnmr", "", 3, 3): (1, 1),
        Counted("bank", "", "", "fnmr", "", 3, 7): (0, 1),
        Counted("bank", "", "", "far", "", 3, 3): (0, 1),
        Counted("bank", "", "", "far", "", 3, 7): (0, 1),
    }


def test_of_equal_assertions_the_first_logged_wins() -> None:
    """A label that is sent again changes nothing, not even when it became known."""
    first, again = Entry(None, asserts("genuine", 1_000)), Entry(None, asserts("genuine", 5_000))
    assert first.join(again) == again.join(first) == first


def frauds(old: Entry, new: Entry, seen_ms: int = 0) -> list[tuple[int, int, int]]:
    return [(k, n, known_ms) for _, key, k, n, known_ms in changes(old, new, seen_ms) if key == LimitKey("far")]


@pytest.mark.parametrize("trial_class", ["impostor", "attack:mask", "injection:camera"])
def test_a_fraud_is_an_accepted_transaction_of_which_a_label_says_so(trial_class: str) -> None:
    """Once, whatever else is said; known when verdict and the first such label are; taken back when overruled."""
    label = asserts(trial_class, 4_000)
    said = Entry(None, label) if trial_class == "impostor" else Entry(None, None, label)
    verdict = Entry(trial())
    assert frauds(verdict, verdict.join(said)) == [(1, 0, 4_000)]
    assert frauds(said, verdict.join(said), 6_000) == [(1, 0, 6_000)]
    assert frauds(Entry(trial(decision="refer")), Entry(trial(decision="refer")).join(said)) == []
    both = verdict.join(Entry(None, asserts("impostor", 5_000), asserts("attack:mask", 7_000)))
    assert frauds(verdict, both) == [(1, 0, 5_000)]
    cleared = verdict.join(said).join(
        Entry(None, asserts("genuine", 9_000, authority=2), asserts("bona_fide", 9_000, authority=2))
    )
    assert frauds(verdict.join(said), cleared, 9_000) == [(-1, 0, 9_000)]


def test_a_fraud_of_a_tenant_is_no_fraud_of_its_segments() -> None:
    """Accepted transactions and frauds are counted of the whole tenant only."""
    deltas = Deltas(known_on=lambda _, seen_ms: seen_ms // 1_000, days_of=utc_days)
    entry = Entry(trial(segments='{"os":"ios"}'), asserts("impostor", 5_000))
    deltas.change("bank", Entry(), entry, 5_000)
    deltas.settle()
    assert {key: n for key, n in deltas.limits.items() if key.metric == "far"} == {
        Counted("bank", "", "", "far", "", 3, 5): (1, 1)
    }


def test_errors_and_trials_of_a_day_add_up() -> None:
    """Two transactions of one day and the same segments: each window has the errors and trials of both."""
    deltas = Deltas(known_on=lambda tenant, seen_ms: seen_ms // 1_000, days_of=utc_days)
    for outcome in ("fail", "fail", "pass"):
        entry = Entry(trial(segments='{"os":"ios"}', match_outcome=outcome), asserts("genuine", 2_000))
        deltas.change("bank", Entry(), entry, 2_000)
    deltas.settle()
    assert {key: n for key, n in deltas.limits.items() if key.metric == "fnmr"} == {
        Counted("bank", "", "", "fnmr", "", 3, 3): (2, 3),
        Counted("bank", "os", "ios", "fnmr", "", 3, 3): (2, 3),
    }
