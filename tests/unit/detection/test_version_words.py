"""Words of findings about versions and durations."""

from functools import reduce

from msgspec.structs import replace

from proofwatch.detection.finding_words import finding_sentence
from proofwatch.detection.growth import grown_words, growth_title
from proofwatch.detection.incident import Incident
from proofwatch.detection.incident_event import event_of
from proofwatch.detection.incidents import Incidents, observe
from proofwatch.detection.rule_words import words_of
from proofwatch.detection.sentences import incident_sentence
from proofwatch.events.types import Anomaly
from proofwatch.events.types import Incident as Event
from services.notifier.core.facts import of_incident
from tests.unit.detection.anomalies import anomaly


def test_a_finding_of_a_version_says_what_changed_by_how_much_and_what_to_do() -> None:
    """Rates by counts, scores by ranks, durations by a factor."""
    rate = anomaly(rule="version_change", direction="up", metric="liveness_fail_rate")
    score = anomaly(rule="version_change", direction="down", metric="match_score", statistic=0.31, threshold=0.2)
    timing = anomaly(rule="timing_jump", direction="up", metric="capture_ms", statistic=1.8, threshold=1.5)
    titles = [words.title for each in (rate, score, timing) if (words := words_of(each))]
    assert titles == ["more with the new version", "scores lie lower with the new version", "it takes longer"]
    assert "of the version before" in finding_sentence(rate, "sdk 2")
    assert "0.31 standard deviations of ranks" in finding_sentence(score, "matcher 8")
    assert "1.8 times as long" in finding_sentence(timing, "handset X")
    assert "with the days before" in finding_sentence(timing, "handset X")


def drift(*effects: float, direction: str = "down", misjudged: float | None = None) -> list[Anomaly]:
    """Return a finding of scores that drift with a matcher, look by look."""
    first = anomaly(
        ("matcher_version", "8"), "match_score", rule="version_change", direction=direction, k=720, n=1000,
        baseline=0.5, affected=220.0, threshold=0.2, misjudged=misjudged,
    )  # fmt: skip
    return [replace(first, statistic=each, revision=at + 1) for at, each in enumerate(effects)]


def incident_by(found: list[Anomaly]) -> Incident:
    """Return the incident after these revisions."""
    (incident,) = reduce(lambda state, each: observe(state, [each]).state, found, Incidents()).incidents.values()
    return incident


def test_scores_that_lie_lower_count_the_people_whom_the_check_refused_with_them() -> None:
    """So many more failed the check than failed it before: an estimate, and said to be; higher ones let people in."""
    lower = incident_by(drift(0.5, misjudged=43.4))
    assert (round(lower.rejected), lower.accepted, lower.severity) == (43, 0.0, "high")
    said = incident_sentence(lower)
    assert "About 43 rejected beyond what was to be expected: wrongly, as far as they are no attackers." in said
    assert "An estimate: so many more fail this check than failed it at the same hours with the version before" in said
    higher = incident_by(drift(0.5, direction="up", misjudged=43.4))
    assert (higher.rejected, round(higher.accepted), higher.severity) == (0.0, 43, "critical")
    assert "so many fewer fail this check" in incident_sentence(higher)
    nobody = incident_by(drift(0.5))
    assert nobody.harm == 0
    assert "estimate" not in incident_sentence(nobody)


def test_a_drift_that_is_twice_as_far_is_told_anew_with_both_numbers() -> None:
    """Told at 0.4: at 0.7 it is not news, at 0.82 it is; the next news is at 1.64."""
    state, events = Incidents(), list[Event]()
    for each in drift(0.4, 0.7, 0.82, 0.9, 1.64):
        step = observe(state, [each])
        events += [event_of(found, state.incidents.get(found.incident_id)) for found in step.changes]
        state = step.state
    assert [each.change for each in events] == ["began", "changed", "grew", "changed", "grew"]
    told = of_incident(events[2])
    assert told is not None
    assert told.title.startswith("By now 0.82 standard deviations of ranks, 0.4 when last told: ")
    assert "When it was told last it was 0.4 standard deviations of ranks." in told.summary
    assert events[2].told_from == 0.4


def test_a_rate_that_fell_is_told_as_what_is_left_of_it() -> None:
    """Nothing is 36.9 times as few."""
    known = incident_by(drift(0.5))
    fell = replace(known.lead, metric="rejection_rate", direction="down", statistic=100.0)
    found = known._replace(lead=fell, told_from=36.9)
    assert grown_words(found) == "When it was told last it was 2.71 % of what was to be expected."
    assert growth_title(found) == "By now 1 % of what was to be expected, 2.71 % when last told"
