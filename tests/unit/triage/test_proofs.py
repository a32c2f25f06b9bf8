"""What labels prove is told with the numbers of what they prove."""

from datetime import timedelta

from proofwatch.detection.case_words import numbers_words
from proofwatch.events.types import Proof
from services.triage.core.signals import from_incident
from tests.unit.triage.events import AT, incident

PROOF = Proof(
    anomaly_id="00000000-0000-5000-8000-000000000001",
    metric="apcer",
    attacks=742,
    accepted=65,
    low=0.069,
    high=0.11,
    limit=0.005,
    since=AT,
    until=AT + timedelta(days=1),
    known_at=AT + timedelta(days=2),
)


def test_a_reason_of_what_labels_prove_has_the_numbers_of_that() -> None:
    """And not those of the rate that the incident is led by, which is another one."""
    for change in ("rose", "grew"):
        cause = from_incident(incident(2, change=change, proof=PROOF, k=974, n=1452, rate=974 / 1452)).cause
        assert cause.code == "limit_breach.apcer"
        assert numbers_words(cause.evidence) == "65 of 742 = 8.76 %, where the limit is 0.5 %"
        assert (cause.evidence["low"], cause.evidence["high"]) == (0.069, 0.11)


def test_any_other_reason_of_it_has_those_of_its_lead() -> None:
    """What is proven already changes no other reason."""
    cause = from_incident(incident(3, change="changed", proof=PROOF, k=974, n=1452, rate=974 / 1452)).cause
    assert (cause.evidence["k"], cause.evidence["n"]) == (974.0, 1452.0)
    assert "limit" not in cause.evidence
