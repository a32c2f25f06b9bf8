"""What a proof grew by is told anew when it doubled and at its end, with both numbers; not each label."""

import argparse
import re
from datetime import timedelta
from functools import reduce
from pathlib import Path

import pytest
from msgspec.structs import replace

from proofwatch.detection.findings import WHOLE, Slice, panel_of
from proofwatch.detection.incident_event import event_of
from proofwatch.detection.incidents import Incidents, count, observe
from proofwatch.detection.revisions import finding_of
from proofwatch.detection.sentences import incident_sentence
from proofwatch.events.codec import INCIDENT
from proofwatch.events.types import Anomaly
from proofwatch.events.types import Incident as Event
from proofwatch.exits.asking import asking
from services.aggregator.queries.accepted_attacks import add_arguments
from services.aggregator.queries.arguments import query_of
from services.notifier.core.facts import of_incident
from services.triage.core.signals import from_incident
from tests.unit.detection.anomalies import within
from tests.unit.detection.test_proofs import labelled, proof, wave

_HANDSET: Slice = ("device_model", "A14")
_KNOWN = ((5, 8), (8, 14), (14, 23), (20, 33), (23, 38), (28, 46), (34, 52))


def grown(counts: tuple[tuple[int, int], ...] = _KNOWN, metric: str = "apcer") -> list[Anomaly]:
    """Return the revisions of a finding while labels come."""
    return [proof(k=k, n=n, metric=metric, revision=at + 1) for at, (k, n) in enumerate(counts)]


def told(revisions: list[Anomaly]) -> list[Event]:
    """Return what becomes of the incident, revision by revision."""
    state, events = Incidents(), []
    for each in revisions:
        step = observe(state, [each])
        events += [event_of(found, state.incidents.get(found.incident_id)) for found in step.changes]
        state = step.state
    return events


def test_it_is_told_when_it_has_doubled_and_not_with_each_label() -> None:
    """Five were told; 14 and 28 are told, with the number before."""
    events = told(grown())
    assert [(each.change, round(each.accepted)) for each in events] == [
        ("began", 5), ("changed", 8), ("grew", 14), ("changed", 20), ("changed", 23), ("grew", 28), ("changed", 34),
    ]  # fmt: skip
    assert [event is not None for event in map(of_incident, events)] == [True, False, True, False, False, True, False]
    second = of_incident(events[2])
    assert second is not None
    assert second.title.startswith("Labels by now prove 14 wrongly accepted, 5 when last told: ")
    assert "About 14 wrongly accepted" in second.summary
    assert "When it was told last it was 5 accepted." in second.summary
    assert (second.severity, second.state) == ("critical", "firing")
    assert all(INCIDENT.decode(INCIDENT.encode(each)) == each for each in events)
    assert from_incident(events[2]).news is not None


def test_its_end_has_both_numbers() -> None:
    """34 by then, of which people were told 28."""
    revisions = grown()
    last = told([*revisions, replace(within(revisions[-1], 60 * 1440), k=34, n=52, affected=34.0)])[-1]
    assert last.change == "ended"
    assert "34 wrongly accepted" in last.notice
    assert "When it was told last it was 28 accepted." in last.notice


@pytest.mark.parametrize(("metric", "done"), [("fmr", "accepted"), ("bpcer", "rejected"), ("fnmr", "rejected")])
def test_impostors_and_genuine_people_are_counted_on_too(metric: str, done: str) -> None:
    """Of every limit that labels prove broken: at twice as many, with both numbers."""
    events = told(grown(metric=metric))
    assert [each.change for each in events] == ["began", "changed", "grew", "changed", "changed", "grew", "changed"]
    assert events[2].notice_title.startswith(f"Labels by now prove 14 wrongly {done}, 5 when last told: ")
    assert f"When it was told last it was 5 {done}." in events[2].notice


def later(revision: Anomaly, days: int) -> Anomaly:
    """Return a further revision with the same counts, that became known so many days later."""
    assert revision.known_at is not None
    return replace(revision, revision=revision.revision + 1, known_at=revision.known_at + timedelta(days))


@pytest.mark.parametrize("metric", ["apcer", "fmr", "bpcer"])
def test_the_last_number_is_told_once_labels_told_no_more_for_a_week(metric: str) -> None:
    """Eight, of which five were told: once, and a further label of nobody else changes nothing."""
    revisions = grown(((5, 8), (8, 14)), metric)
    settled = later(revisions[-1], 8)
    events = told([*revisions, later(revisions[-1], 1), replace(settled, revision=4), replace(settled, revision=5)])
    assert [each.change for each in events if each.change != "changed"] == ["began", "grew"]
    (last,) = [each for each in events if each.change == "grew"]
    assert "8 when" not in last.notice_title
    assert "Labels have told no more of it for a week." in last.notice
    assert [each.change for each in told([*grown(((5, 8),), metric), later(grown(((5, 8),), metric)[0], 7)])] == [
        "began", "changed",
    ], "people were told of all of them"  # fmt: skip


def test_the_last_number_of_a_wave_that_is_over_is_told_too() -> None:
    """18 were told and 27 it was in the end, as the last label says: nobody else would ever tell."""
    state = reduce(lambda known, each: observe(known, [each]).state, wave(), Incidents())
    events: list[Event] = []
    last = proof(k=27, n=120, revision=2)
    for each, (k, n) in ((proof(k=18, n=87), (18, 87)), (last, (27, 120)), (later(last, 7), (27, 120))):
        state = labelled(state, 0, {WHOLE: (k, n), ("sdk_version", "3.9.8"): (k, n)})
        step = observe(state, [each])
        events += [event_of(found, state.incidents.get(found.incident_id)) for found in step.changes]
        state = step.state
    assert [each.change for each in events] == ["rose", "changed", "grew"]
    assert events[-1].notice_title.startswith("Labels by now prove 27 wrongly accepted, 18 when last told: ")


def test_the_proof_of_a_wave_that_is_over_grows_too() -> None:
    """Labels named 12 accepted when it was told: at 26 it is told again, as what goes on."""
    state = reduce(lambda known, each: observe(known, [each]).state, wave(), Incidents())
    events: list[Event] = []
    for revision, (k, n) in enumerate(((12, 60), (20, 90), (26, 120)), 1):
        state = labelled(state, 0, {WHOLE: (k, n), ("sdk_version", "3.9.8"): (k, n)})
        step = observe(state, [proof(k=k, n=n, revision=revision)])
        events += [event_of(each, state.incidents.get(each.incident_id)) for each in step.changes]
        state = step.state
    assert [(each.change, each.state, each.proof and each.proof.accepted) for each in events] == [
        ("rose", "ended", 12), ("changed", "ended", 20), ("grew", "ended", 26),
    ]  # fmt: skip
    assert events[-1].told_from == 12
    assert (fact := of_incident(events[-1])) is not None
    assert fact.state == "firing"
    assert "It ended" not in fact.summary
    assert "The failures ended 2026-03-02 15:00 UTC: within what is expected again." in fact.summary
    assert "What labels prove of them is open until the accounts are held." in fact.summary


def test_figures_of_one_sentence_are_of_one_date() -> None:
    """38 of 484 belong to 49 of 979, not to the 48 of 959 that the finding, and its people, state: they wait for it."""
    fnmr = replace(proof(k=48, n=959, metric="fnmr", species=None), affected=20.0, baseline_rate=0.02)
    for whole, beside in (((49, 979), False), ((48, 959), True)):
        state, panel = Incidents(), panel_of(finding_of(fnmr))
        for where, (k, n) in {WHOLE: whole, _HANDSET: (38, 484)}.items():
            state = count(state, panel, where, k, n)
        (found,) = observe(state, [fnmr]).changes
        said = incident_sentence(found)
        assert found.root.where == _HANDSET
        assert "48 of 959" in said
        assert ("38 of 484" in said, "(10 of 475)" in said, "the rest" in said) == (beside, beside, beside), said
        assert "979" not in said


@pytest.mark.parametrize("metric", ["fmr", "apcer", "injection_accept_rate"])
def test_whoever_was_let_in_is_to_be_held_by_a_command_that_runs(metric: str) -> None:
    """Impostors as well as attacks: it says who asks and why, which the command wants, or names a run's folder."""
    (event,) = told([proof(metric=metric)])
    found = re.search(
        r"listed by: proofwatch (accepted-attacks .*? --reason WHY), of a replay with (--run FOLDER)", event.notice
    )
    assert found is not None, event.notice
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    args = parser.parse_args(found[1].split()[1:])
    assert asking(args) == (None, "NAME", "WHY")
    assert query_of(args, "UTC").span.since_ms is not None
    replayed = parser.parse_args([*found[1].partition(" --by")[0].split()[1:], *found[2].split()])
    assert (replayed.run, replayed.tenant) == (Path("FOLDER"), "bank")


def test_the_accounts_to_hold_are_those_since_it_began() -> None:
    """28 days that are counted on move: whom the first of them proved is to be held too."""
    first = replace(proof(k=5, n=600, metric="fmr"), since=None)
    later = replace(proof(14, k=11, n=744, metric="fmr", revision=2), since=None, anomaly_id=first.anomaly_id)
    assert "--since 2026-02-03 --by" in told([first, later])[-1].notice
