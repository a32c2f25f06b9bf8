"""Every suspicion has its reason, its severity, the numbers behind it, and an id that follows from its cause."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from re import findall
from typing import Any, get_args, get_type_hints

import pytest

from proofwatch.detection.suspicions import SEVERITY
from proofwatch.detection.velocity import Crossing
from proofwatch.events.codec import SUSPICION
from proofwatch.events.identity import derived_id
from proofwatch.events.types import AttackPattern, Attempts, Control, Suspicion
from services.scorer.core.compiled_policy import CompiledPolicy
from services.scorer.core.patterns import Pattern
from services.scorer.core.rules import judge
from services.scorer.core.suspicion import NO_SIGNALS, SOURCES, OfSignal, Signals, Suspect, suspicions
from tests.unit.scorer.samples import COMPILED, transaction

NONE = Attempts(match=0, liveness=0)
FAR = replace(COMPILED, match_far_below=0.3, liveness_far_below=0.2)

IMAGERY: dict[str, Any] = {
    "imagery_ref": "s3://imagery/7",
    "imagery_sha256": "7" * 64,
    "imagery_media_type": "image/jpeg",
}
"""What triage and imagery need of it: where it is, and what it must be."""


def raised(
    signals: Signals = NO_SIGNALS,
    before: Attempts = NONE,
    policy: CompiledPolicy = FAR,
    *,
    begins_episode: bool = False,
    **fields: Any,
) -> list[Suspicion]:
    event = transaction(7, **IMAGERY, **fields)
    judgement = judge(event, COMPILED, before)
    found = suspicions(Suspect(event, judgement, COMPILED.basis(before), policy, begins_episode), signals)
    for each in found:
        assert SUSPICION.decode(SUSPICION.encode(each)) == each
        assert (each.tenant, each.transaction_id, each.subject_ref) == ("acme", "tx-7", "s")
        assert each.occurred_at == event.occurred_at
        assert {name: getattr(each, name) for name in IMAGERY} == IMAGERY
        assert each.policy_hash == COMPILED.policy_hash
    return found


def told(found: list[Suspicion]) -> list[tuple[str, str, dict[str, float]]]:
    return [(each.reason, each.severity, each.evidence) for each in found]


def pattern(**fields: Any) -> Pattern:
    given: dict[str, Any] = {
        "schema_version": 1,
        "pattern_id": "old-sdk-low-light",
        "revision": 3,
        "state": "published",
        "description": "Replays through an old SDK.",
        "severity": "medium",
        "predicate": '{"all": [{"field": "liveness_score", "op": "lt", "value": 0.999},'
        ' {"field": "timings.capture_ms", "op": "missing"}]}',
        "effective_from": datetime(2026, 1, 1, tzinfo=UTC),
    }
    return Pattern.of(AttackPattern(**(given | fields)))


def control(**fields: Any) -> Control:
    given: dict[str, Any] = {
        "schema_version": 1,
        "control_id": "6f1a7a52-2f0e-5a53-9d0c-0b8f3c6f4b11",
        "measure": "alarmed_cohort",
        "state": "on",
        "tenant": "acme",
        "segment_name": "country",
        "segment_value": "DE",
        "effective_from": datetime(2026, 1, 1, tzinfo=UTC),
        "reason": "anomaly",
        "evidence": {"rate": 0.2, "n": 50.0},
    }
    return Control(**(given | fields))


def test_every_reason_of_the_schema_has_a_severity() -> None:
    """A reason that is added to the schema must be thought about here."""
    assert set(SEVERITY) == set(get_args(get_type_hints(Suspicion)["reason"]))


def test_every_reason_is_raised_in_one_place_by_a_failure_or_a_signal() -> None:
    """What the schema knows is in the table, or raised by devices; each signal is read by a row, and rows by no other.

    So whoever adds a reason adds a row, and where an accept may have it, a signal, which the shortcut asks for.
    """
    assert {source.reason for source in SOURCES} | {"device_velocity"} == set(SEVERITY)
    assert len({source.reason for source in SOURCES}) == len(SOURCES)
    assert {source.signal for source in SOURCES if isinstance(source, OfSignal)} == set(Signals._fields)


def test_every_reason_is_explained_to_the_reader() -> None:
    """When it is raised and which numbers come with it, in the scorer's README."""
    readme = (Path(__file__).parents[3] / "services" / "scorer" / "README.md").read_text()
    table = readme.partition("## Suspicions")[2].partition("## ")[0]
    rows = [line for line in table.splitlines() if line.startswith("| `")]
    assert set(SEVERITY) == {name for row in rows for name in findall(r"`(\w+)`", row.split(" | ")[0])}


def test_an_accepted_transaction_without_signals_raises_nothing() -> None:
    """Callers may spare the call."""
    assert raised() == []


def test_a_score_far_below_its_limit_is_told_with_score_limit_and_threshold() -> None:
    """Each check for itself; the numbers are those that were compared."""
    assert told(raised(match_score=0.29)) == [
        ("match_far_below_threshold", "low", {"score": 0.29, "limit": 0.3, "threshold": 0.85})
    ]
    assert told(raised(liveness_score=0.19)) == [
        ("liveness_far_below_threshold", "medium", {"score": 0.19, "limit": 0.2, "threshold": 0.995})
    ]
    both = raised(match_score=0.0, liveness_score=0.0)
    assert [each.reason for each in both] == ["match_far_below_threshold", "liveness_far_below_threshold"]


@pytest.mark.parametrize(
    "fields",
    [
        {"match_score": 0.3, "liveness_score": 0.2},  # at the limit is not below it
        {"match_score": None, "liveness_score": None},  # missing is never a score of zero
        {"match_score": None},
    ],
)
def test_a_score_at_its_limit_or_missing_is_not_far_below(fields: dict[str, Any]) -> None:
    """It failed its check, and that is all."""
    assert raised(**fields) == []


def test_without_limits_no_score_is_far_below() -> None:
    """A policy that leaves them out does not look."""
    assert (
        raised(policy=replace(FAR, match_far_below=0.0, liveness_far_below=0.0), match_score=0.0, liveness_score=0.0)
        == []
    )


def test_persisting_liveness_failures_are_told_with_attempts_threshold_and_score() -> None:
    """A non-response has no score to tell."""
    before = Attempts(match=0, liveness=2)
    assert told(raised(before=before, begins_episode=True, liveness_score=0.5)) == [
        ("liveness_failures_persist", "high", {"attempts": 3.0, "threshold": 0.995, "score": 0.5})
    ]
    assert told(raised(before=before, begins_episode=True, liveness_score=None)) == [
        ("liveness_failures_persist", "high", {"attempts": 3.0, "threshold": 0.995})
    ]


def test_each_velocity_rule_that_is_crossed_is_told_on_its_own() -> None:
    """Two windows are two suspicions with ids of their own."""
    found = raised(NO_SIGNALS._replace(crossings=(Crossing(10, 8, 8), Crossing(60, 15, 15))))
    assert told(found) == [
        ("subject_velocity", "medium", {"count": 8.0, "window_minutes": 10.0, "limit": 8.0}),
        ("subject_velocity", "medium", {"count": 15.0, "window_minutes": 60.0, "limit": 15.0}),
    ]
    assert len({each.suspicion_id for each in found}) == 2


def test_a_matching_pattern_is_named_with_its_severity_revision_and_the_numbers_it_compared() -> None:
    """What is absent has no number."""
    (found,) = raised(NO_SIGNALS._replace(patterns=(pattern(),)), liveness_score=0.998)
    assert (found.reason, found.severity, found.pattern_id) == ("attack_pattern", "medium", "old-sdk-low-light")
    assert found.evidence == {"revision": 3.0, "liveness_score": 0.998}


def test_a_member_of_an_alarmed_cohort_is_told_with_the_numbers_of_the_alarm() -> None:
    """One for each alarm; the control is told apart in the id, for it is no number."""
    other = control(control_id="6f1a7a52-2f0e-5a53-9d0c-0b8f3c6f4b12", evidence={})
    found = raised(NO_SIGNALS._replace(alarms=(control(), other)))
    assert told(found) == [("alarmed_cohort", "low", {"rate": 0.2, "n": 50.0}), ("alarmed_cohort", "low", {})]
    assert len({each.suspicion_id for each in found}) == 2


def test_ids_follow_from_the_cause() -> None:
    """Live, replayed or after a crash: the same."""
    (found,) = raised(before=Attempts(match=0, liveness=2), begins_episode=True, liveness_score=0.5)
    assert found.suspicion_id == derived_id("suspicion", "acme", "tx-7", "liveness_failures_persist")
    signals = Signals(crossings=(Crossing(10, 8, 8),), patterns=(pattern(),), alarms=(control(),))
    assert [each.suspicion_id for each in raised(signals)] == [
        derived_id("suspicion", "acme", "tx-7", "subject_velocity", 10, 8),
        derived_id("suspicion", "acme", "tx-7", "attack_pattern", "old-sdk-low-light"),
        derived_id("suspicion", "acme", "tx-7", "alarmed_cohort", control().control_id),
    ]
