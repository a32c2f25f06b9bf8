"""Incidents are told the worst first: who was let in, what is proven, what goes on, and then what is to be expected."""

from datetime import timedelta
from typing import Any

from proofwatch.detection.incident import Incident
from proofwatch.detection.incidents import Incidents, observe
from proofwatch.detection.urgency import urgency
from proofwatch.events.types import Proof
from tests.unit.detection.anomalies import MIDNIGHT, anomaly

_WAVE = Proof(
    anomaly_id="00000000-0000-5000-8000-000000000000",
    metric="injection_accept_rate",
    attacks=90,
    accepted=24,
    low=0.2,
    high=0.4,
    limit=0.005,
    since=MIDNIGHT,
    until=MIDNIGHT + timedelta(days=1),
    known_at=MIDNIGHT + timedelta(days=4),
)


def _incident(name: str, metric: str = "liveness_fail_rate", rule: str = "twice_baseline", **changes: Any) -> Incident:
    (found,) = observe(Incidents(), [anomaly(metric=metric, rule=rule)]).changes
    return found._replace(incident_id=name, **({"rejected": 0.0, "accepted": 0.0} | changes))


def _ordered(*incidents: Incident) -> list[str]:
    """Return the names in order; what is given in that order was turned round before."""
    turned = list(incidents)
    turned.reverse()
    return [each.incident_id for each in sorted(turned, key=urgency)]


def test_a_wave_that_got_in_is_first_though_it_has_ended() -> None:
    """24 attackers have accounts; the others who are kept out may try again."""
    wave = _incident("wave", state="ended", accepted=24.0, rejected=17.0, proof=_WAVE)
    more = _incident("more", rejected=400.0)
    assert _ordered(wave, more) == ["wave", "more"]


def test_what_is_proven_is_before_what_is_to_be_expected_and_that_before_who_is_kept_out() -> None:
    """A check that let everybody pass lets in more, of whom nobody knows how many should not have passed."""
    labelled = _incident("labelled", "fmr", "limit_breach", accepted=25.0)
    wave = _incident("wave", accepted=24.0, proof=_WAVE)
    open_check = _incident("open", state="ended", accepted=350.0)
    proven = _incident("proven", "bpcer", "limit_breach", rejected=4.0)
    kept_out = _incident("kept out", rejected=35.0)
    assert _ordered(labelled, wave, open_check, proven, kept_out) == ["labelled", "wave", "open", "proven", "kept out"]


def test_what_goes_on_is_before_what_ended_then_by_people() -> None:
    """Of the same gravity, where labels prove nothing."""
    many, few = _incident("many", rejected=80.0), _incident("few", rejected=5.0)
    ended = _incident("ended", state="ended", rejected=900.0)
    assert _ordered(many, few, ended) == ["many", "few", "ended"]


def test_weak_evidence_is_last_whatever_it_counts() -> None:
    """Chance makes such findings every day."""
    weak = _incident("weak", evidence="weak", accepted=900.0)
    assert _ordered(_incident("strong", state="ended", rejected=2.0), weak) == ["strong", "weak"]


def test_the_order_is_the_same_whatever_comes_first() -> None:
    """Alike in all: by their names."""
    one, other = _incident("a", rejected=3.0), _incident("b", rejected=3.0)
    assert _ordered(one, other) == _ordered(other, one) == ["a", "b"]
