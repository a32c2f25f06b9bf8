"""Impostors whom the face match refused are nobody wrongly rejected, once labels name them."""

from datetime import timedelta

from proofwatch.detection.findings import WHOLE, Panel, Slice
from proofwatch.detection.impostors import labelled_days
from proofwatch.detection.incident import Incident
from proofwatch.detection.incident_event import event_of
from proofwatch.detection.incidents import Incidents, observe
from proofwatch.detection.revisions import finding_of
from proofwatch.detection.sentences import incident_sentence
from proofwatch.events.codec import INCIDENT
from proofwatch.instants import ms_of
from tests.unit.detection.anomalies import MIDNIGHT, anomaly

_DAY_S = 86_400


def told(tables: dict[Panel, dict[Slice, tuple[int, int]]], metric: str = "match_fail_rate") -> Incident:
    """Return the incident of three days with 209 failures where 54.5 were to be expected."""
    failed = anomaly(WHOLE, metric, k=209, n=1_818, baseline=0.03, length_s=3 * _DAY_S, minute=0)
    (found,) = observe(Incidents(tables=tables), [failed]).changes
    return found


def labels(*days: tuple[int, tuple[int, int]]) -> dict[Panel, dict[Slice, tuple[int, int]]]:
    return {Panel("fmr", _DAY_S, ms_of(MIDNIGHT + timedelta(days=day))): {WHOLE: counts} for day, counts in days}


def test_impostors_that_labels_name_are_not_wrongly_rejected() -> None:
    """80 of some 154; those who matched are none of the rejected, nor are those of other days."""
    found = told(labels((0, (2, 42)), (2, (0, 40)), (5, (0, 500)), (-2, (0, 500))))
    assert found.impostors == 80
    assert round(found.rejected_unproven) == 74
    said = incident_sentence(found)
    assert "About 154 rejected beyond what was to be expected. Labels by now name 80 impostors among those whom" in said
    assert "About 74 are left: wrongly, as far as they are no attackers." in said


def test_nobody_is_left_where_labels_name_as_many() -> None:
    """They are not negative, and nobody was rejected wrongly as far as anybody knows."""
    found = told(labels((0, (0, 209))))
    assert found.rejected_unproven == 0
    assert "Nobody is left whom they would not explain." in incident_sentence(found)
    assert found.severity == "low"
    assert told(labels((0, (0, 153)))).severity == "high"


def test_the_event_has_the_number() -> None:
    """So the page says the same as the notice."""
    event = event_of(told(labels((1, (0, 12)))))
    assert event.impostors == 12
    assert INCIDENT.decode(INCIDENT.encode(event)) == event


def test_another_check_has_nothing_to_do_with_impostors() -> None:
    """Who fails liveness is no impostor by that."""
    assert told(labels((0, (0, 209))), "liveness_fail_rate").impostors == 0


def test_an_incident_of_another_check_is_explained_by_no_impostor() -> None:
    """Matches that fail as well, at that slice and in those days, are the smaller part of it."""
    failed = [
        anomaly(WHOLE, metric, k=k, n=1_818, baseline=0.03, length_s=3 * _DAY_S, minute=0)
        for metric, k in (("match_fail_rate", 110), ("liveness_fail_rate", 209))
    ]
    found = observe(Incidents(tables=labels((0, (0, 209)))), failed).changes[-1]
    assert len(found.children) == 1
    assert (found.impostors, round(found.rejected_unproven)) == (0, 154)
    assert "impostor" not in incident_sentence(found)


def test_days_are_those_of_the_tenant() -> None:
    """In Mexico a day begins at six in UTC."""
    failed = anomaly(WHOLE, "match_fail_rate", length_s=_DAY_S, minute=360, time_zone="America/Mexico_City")
    days = labelled_days(finding_of(failed))
    assert days == [Panel("fmr", _DAY_S, ms_of(MIDNIGHT + timedelta(hours=6)))]
