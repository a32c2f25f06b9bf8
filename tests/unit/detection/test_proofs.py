"""Labels that prove attacks, days after a wave was told as rejections: who got in is told with the wave's incident."""

from datetime import timedelta
from typing import Any

import pytest

from proofwatch.detection.findings import WHOLE, Panel, Slice
from proofwatch.detection.incident import Incident
from proofwatch.detection.incident_event import event_of
from proofwatch.detection.incidents import LABELS_MS, Incidents, count, forget, observe, regrouped
from proofwatch.detection.sentences import incident_sentence, incident_title
from proofwatch.events.codec import INCIDENT
from proofwatch.events.types import Anomaly
from proofwatch.instants import ms_of
from services.notifier.core.facts import of_incident
from services.triage.core.signals import from_incident
from tests.unit.detection.anomalies import MIDNIGHT, anomaly, within

_DAY = 86_400
_SDK: Slice = ("sdk_version", "3.9.8")
_HANDSET: Slice = ("device_model", "A14")
_COUNTRY: Slice = ("country", "RO")
_METRIC = "injection_accept_rate"


def wave(where: Slice = _SDK, **more: Any) -> list[Anomaly]:
    """Return the rejections of a wave in the afternoon, from their begin to their end."""
    fired = anomaly(where, rule="cusum", k=94, n=130, **more)
    return [fired, within(fired, 900)]


def proof(day: int = 0, *, k: int = 26, n: int = 120, **more: Any) -> Anomaly:
    """Return that labels prove a limit broken, of the 28 days up to a day; known three days later."""
    return anomaly(
        WHOLE,
        more.pop("metric", _METRIC),
        rule="limit_breach",
        k=k,
        n=n,
        baseline=0.005,
        length_s=28 * _DAY,
        minute=(day - 27) * 1440,
        first=day,
        direction="up",
        cadence="at_once",
        affected=float(k),
        since=MIDNIGHT + timedelta(days=day),
        known_at=MIDNIGHT + timedelta(days=day + 3),
        action="audit_and_threshold_proposal",
        **({"species": ("deepfake",)} | more),
    )


def labelled(state: Incidents, day: int, counts: dict[Slice, tuple[int, int]], metric: str = _METRIC) -> Incidents:
    """Return the state with the counts of a labelled day."""
    panel = Panel(metric, _DAY, ms_of(MIDNIGHT) + day * _DAY * 1000)
    for where, (k, n) in counts.items():
        state = count(state, panel, where, k, n)
    return state


def told(*events: Anomaly, counts: dict[Slice, tuple[int, int]] | None = None, day: int = 0) -> list[Incident]:
    known = labelled(Incidents(), day, counts or {WHOLE: (26, 120), _SDK: (26, 120), _HANDSET: (26, 120)})
    return list(observe(known, events).state.incidents.values())


def test_the_incident_of_the_wave_says_what_labels_prove() -> None:
    """How many attacks, how many got in, by which figure, on which day, since when known; and what to do."""
    (found,) = told(*wave(), proof())
    assert found.root.where == _SDK
    assert (found.accepted, found.severity) == (26.0, "critical")
    assert "limit_breach" in found.rules
    assert _METRIC in found.metrics
    assert incident_title(found).startswith("Labels prove 120 injection attacks, 26 accepted: too many failed liveness")
    said = incident_sentence(found)
    for part in (
        "Labels name 120 injection attacks (deepfake) among what it sent on 2026-03-02",
        "26 of 120 accepted = 21.7 % (the IAPAR of injections of this slice, 95 % interval",
        "limit 0.5 %; known since 2026-03-05 00:00 UTC",
        "26 attackers were accepted, counted from labels; 94 were stopped.",
        "Of about 91 attempts rejected beyond what was to be expected none is left that they would not explain.",
        "Next: hold the accounts of those that labels name and were accepted (listed by: proofwatch accepted-attacks",
        "--tenant bank --since 2026-03-02 --by NAME --reason WHY, of a replay with --run FOLDER",
        "in place of name and reason), and refuse what comes the same way",
    ):
        assert part in said
    assert "wrongly, as far as they are no attackers" not in said
    assert INCIDENT.decode(INCIDENT.encode(event_of(found))).proof == found.proof


def test_people_are_told_when_labels_prove_it_though_the_wave_is_over() -> None:
    """It rose, and is no end; the case of it opens again, and says which limit."""
    known = labelled(Incidents(), 0, {WHOLE: (26, 120), _SDK: (26, 120)})
    first = observe(known, wave())
    (before,) = first.state.incidents.values()
    (after,) = observe(first.state, [proof()]).changes
    assert (before.state, after.state) == ("ended", "ended")
    event = event_of(after, before)
    assert event.change == "rose"
    assert event.notice_title.startswith("Labels prove 120 injection attacks, 26 accepted")
    fact = of_incident(event)
    assert fact
    assert (fact.state, fact.severity, fact.at) == ("firing", "critical", MIDNIGHT + timedelta(days=3))
    signal = from_incident(event)
    assert signal.cause.code == "limit_breach.injection_accept_rate"
    assert signal.news
    assert signal.news.again


def test_labels_that_come_when_the_wave_is_forgotten_are_told_with_it() -> None:
    """Its findings went three days after its end; the incident stays, and says what it was, once."""
    first = observe(Incidents(), wave()).state
    kept = forget(first, ms_of(MIDNIGHT) + 4 * _DAY * 1000)
    assert not kept.findings
    step = observe(labelled(kept, 0, {WHOLE: (26, 120), _SDK: (26, 120)}), [proof()])
    (after,) = step.changes
    assert after.incident_id in first.incidents
    assert (after.accepted, after.state) == (26.0, "ended")
    assert regrouped(step.state).changes == ()
    assert observe(step.state, [proof()]).changes == ()
    more = labelled(step.state, 0, {WHOLE: (30, 140), _SDK: (30, 140)})
    (again,) = observe(more, [proof(k=30, n=140, revision=2)]).changes
    assert (again.incident_id, again.accepted) == (after.incident_id, 30.0)
    left = forget(step.state, ms_of(MIDNIGHT) + 4 * _DAY * 1000)
    assert left.findings.keys() == step.state.findings.keys()
    gone = forget(left, ms_of(MIDNIGHT) + 2 * _DAY * 1000 + LABELS_MS)
    assert not gone.incidents


def test_attacks_from_elsewhere_are_an_incident_of_their_own() -> None:
    """The slice sent few of them, or was not there on these days: then labels tell of the whole tenant."""
    spread = told(*wave(), proof(), counts={WHOLE: (26, 120), _SDK: (5, 24)})
    assert {(each.root.where, each.proof is None) for each in spread} == {(_SDK, True), (WHOLE, True)}
    own = next(each for each in spread if each.root.where == WHOLE)
    assert (own.accepted, own.severity) == (26.0, "critical")
    said = incident_sentence(own)
    assert said.startswith("Labels prove attacks: injection attacks accepted by the whole system (IAPAR of injections)")
    assert "Proven: the limit is broken, at 99 % confidence." in said
    later = told(*wave(), proof(day=5), counts={WHOLE: (26, 120), _SDK: (26, 120)}, day=5)
    assert {each.root.where for each in later} == {_SDK, WHOLE}


def test_of_two_slices_the_one_that_began_with_the_attacks_holds_them() -> None:
    """A handset that had been hard for days sent them all as well."""
    handset = anomaly(_HANDSET, rule="cusum", k=94, n=130, minute=-4 * 1440)
    found = told(handset, *wave(), proof())
    assert {each.root.where for each in found if each.proof} == {_SDK}


@pytest.mark.parametrize(("rule", "direction", "holds"), [("saturation", "up", True), ("cusum", "up", False)])
def test_the_whole_tenant_holds_them_only_where_a_check_let_everybody_in(
    rule: str, direction: str, holds: bool
) -> None:
    """Rejections of a whole tenant on that day are no reason why attacks came."""
    metric = "liveness_score" if rule == "saturation" else "rejection_rate"
    fired = anomaly(WHOLE, metric, rule=rule, direction=direction, k=500, n=600, affected=500.0)
    found = told(fired, within(fired, 900), proof())
    assert any(each.proof for each in found) == holds
    assert len(found) == (1 if holds else 2)


def test_the_order_of_events_is_nothing() -> None:
    """Whether labels or rejections come first."""
    known = labelled(Incidents(), 0, {WHOLE: (26, 120), _SDK: (26, 120)})
    events = [*wave(), proof()]
    states = [known, known]
    for each in events:
        states[0] = observe(states[0], [each]).state
    for each in reversed(events):
        states[1] = observe(states[1], [each]).state
    one, other = ({i: e._replace(revision=1) for i, e in s.incidents.items() if e.state != "merged"} for s in states)
    assert one == other


def test_a_species_with_a_name_of_somebodys_is_not_in_notices() -> None:
    """As everywhere."""
    (found,) = told(*wave(), proof(species=("call +49 170 12345678",)))
    event = event_of(found)
    assert "12345678" in event.sentence
    assert "12345678" not in event.notice + event.notice_title


def test_what_people_were_told_of_an_incident_stays_with_it() -> None:
    """Another slice is found to have sent as many, nearer to the day's begin; then the slice's own counts are gone."""
    known = labelled(Incidents(), 0, {WHOLE: (26, 120), _SDK: (26, 120), _COUNTRY: (26, 120)})
    state = observe(known, [anomaly(_SDK, rule="cusum", k=94, n=130), proof()]).state
    (first,) = state.incidents.values()
    assert first.severity == "critical"
    state = observe(state, [anomaly(_COUNTRY, "match_fail_rate", k=60, n=105, minute=0)]).state
    assert len(state.incidents) == 2
    held = {one: (each.proof and each.proof.accepted, each.severity) for one, each in state.incidents.items()}
    assert held.pop(first.incident_id) == (26, "critical")
    assert list(held.values()) == [(None, "high")]
    lost = labelled(state, 0, {_SDK: (1, 20)})
    after = regrouped(lost).state.incidents
    assert (after[first.incident_id].severity, len(after)) == ("critical", 2)
    assert "wrongly, as far as they are no attackers" not in incident_sentence(after[first.incident_id])


def test_attacks_of_several_species_are_counted_together() -> None:
    """A day's APCER is that of its worst species alone; a wave of two sent the attacks of both."""
    prove = proof(metric="apcer", k=45, n=607, species=("screen", "print"))
    state = Incidents()
    for metric, counts in {"apcer": (45, 607), "apcer:screen": (45, 607), "apcer:print": (52, 598)}.items():
        state = labelled(state, 0, {WHOLE: counts, _SDK: counts}, metric)
    (found,) = observe(state, [*wave(), prove]).state.incidents.values()
    assert found.proof is not None
    assert (found.proof.attacks, found.proof.accepted) == (1205, 97)


def test_who_has_no_label_is_not_said_to_be_genuine() -> None:
    """Labels name some of the attackers who were stopped; of the others nobody knows."""
    counts = {WHOLE: (26, 60), _SDK: (26, 60)}
    (found,) = told(*wave(), proof(n=60), counts=counts)
    assert "about 57 have no label that says so: attackers too, or genuine people" in incident_sentence(found)
