"""The shortcut for plain accepts: with it and without it the scorer says the same, whatever is known and in force."""

import asyncio
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, Final

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proofwatch.bus.records import Outgoing, Record
from proofwatch.events.types import AttackPattern, Transaction
from proofwatch.governance.policy import Policy, VelocityRule
from proofwatch.governance.regime import FOREVER_MS, Regime
from services.scorer.adapters.memory import MemorySubjects
from services.scorer.core import pipeline
from services.scorer.core.attempts import CLEAN
from services.scorer.core.decision import plain_accept
from services.scorer.core.effective_policies import EffectivePolicy
from services.scorer.core.rules import Judgement, judge
from services.scorer.core.suspicion import NO_SIGNALS, Signals
from tests.unit.bus.stages import written
from tests.unit.scorer.samples import (
    COMPILED,
    POLICY,
    SOURCE,
    START,
    START_MS,
    LogHistory,
    after,
    batch,
    record,
    stage,
    transaction,
)
from tests.unit.scorer.test_effective_policies import control

STRICTER: Final = POLICY.with_thresholds(match=0.93).model_copy(update={"name": "stricter"})
OFTEN: Final = (VelocityRule(window_minutes=10, limit=2), VelocityRule(window_minutes=60, limit=3))
ANY_SCORE: Final = '{"field": "match_score", "op": "ge", "value": 0.87}'
PATTERN: Final = AttackPattern(
    schema_version=1,
    pattern_id="fast-capture",
    revision=1,
    state="published",
    description="d",
    severity="medium",
    predicate='{"field": "match_score", "op": "gt", "value": 0.97}',
    effective_from=START,
)
IN_SHADOW: Final = msgspec.structs.replace(PATTERN, pattern_id="any-capture", state="shadow", predicate=ANY_SCORE)
CONTROLS: Final = (
    control("step_up_mfa"),
    control("alarmed_cohort", "country", "DE"),
    control("step_up_mfa", "country", "FR"),
    control("alarmed_cohort"),
)


@st.composite
def events(draw: st.DrawFn) -> Transaction:
    """Nearly all of them accepted, few subjects, ids that come again."""
    fields: dict[str, Any] = {
        "match_score": draw(st.sampled_from([0.95, 0.95, 0.95, 0.98, 0.9, 0.87, 0.5, 0.1, None])),
        "liveness_score": draw(st.sampled_from([0.999, 0.999, 0.999, 0.9, 0.1, None])),
        "checks": draw(st.sampled_from([(), ("match", "liveness")])),
        "segments": draw(st.sampled_from([None, {"country": "DE"}, {"country": "FR"}])),
        "attempt_id": draw(st.sampled_from([None, None, None, "again"])),
    }
    number, subject = draw(st.integers(0, 30)), draw(st.sampled_from(["a", "b", "c", "d"]))
    return transaction(number, subject, draw(st.integers(0, 3600)), **fields)


@st.composite
def logs(draw: st.DrawFn) -> list[Record]:
    """In log order, days apart here and there, so that flags and step-ups begin and end."""
    made, at_ms = [], START_MS + 3_600_000
    for offset, event in enumerate(draw(st.lists(events(), min_size=1, max_size=14))):
        at_ms += draw(st.sampled_from([0, 1, 60_000, 60_000, 80 * 3_600_000]))
        made.append(record(offset, event, at_ms))
    return made


@st.composite
def policies(draw: st.DrawFn) -> Policy:
    suspicion = {
        "subject_velocity": draw(st.sampled_from([(), OFTEN])),
        "label_sample": draw(st.sampled_from([0.0, 0.0, 0.5, 1.0])),
        "match_far_below": draw(st.sampled_from([0.0, 0.3])),
    }
    changed = {
        "name": "drawn",
        "duplicate_horizon_minutes": draw(st.sampled_from([0, 60])),
        "suspicion": POLICY.suspicion.model_copy(update=suspicion),
        "attempts": POLICY.attempts.model_copy(update={"limit": draw(st.sampled_from([1, 2, 3]))}),
    }
    return POLICY.model_copy(update=changed)


@st.composite
def regimes(draw: st.DrawFn) -> Regime:
    shadows, controls = draw(st.sampled_from([(), (STRICTER,)])), draw(st.sets(st.sampled_from(range(4)), max_size=2))
    cohort = {"acme/country=DE": draw(policies())} if draw(st.booleans()) else {}
    return Regime(
        0,
        FOREVER_MS,
        policies={"*": draw(policies()), **cohort},
        shadows={"acme": shadows} if shadows else {},
        tenants={},
        controls=tuple(CONTROLS[index] for index in sorted(controls)),
        controls_version=len(controls),
        patterns=draw(st.sampled_from([(), (PATTERN,), (IN_SHADOW,), (IN_SHADOW, PATTERN)])),
        cohorts={"acme": ("country",)} if cohort else {},
    )


class Always:
    """Governance with one regime for all times."""

    def __init__(self, regime: Regime) -> None:
        self.regime = regime

    def knows(self, log_ms: int) -> bool:
        return True

    def at(self, log_ms: int) -> Regime:
        return self.regime


async def scored(records: Sequence[Record], regime: Regime, key: bytes | None, cut: int) -> list[Outgoing]:
    scorer, outputs = stage(MemorySubjects(10**9), governance=Always(regime), label_sample_key=key), list[Outgoing]()
    await scorer.opened(SOURCE, 0, LogHistory(records, 0))
    for first, end in pairwise(sorted({0, min(cut, len(records)), len(records)})):
        taken = records[first:end]
        made = batch(taken, after(records[:first]))._replace(progress_ms=taken[-1].timestamp_ms)
        outputs += written(await scorer.step(made, None), SOURCE, "scorer")
    return outputs


@settings(deadline=None, max_examples=300)
@given(logs(), regimes(), st.sampled_from([None, b"k" * 16]), st.integers(1, 14))
def test_the_shortcut_changes_no_byte_of_what_is_published(
    records: list[Record], regime: Regime, key: bytes | None, cut: int
) -> None:
    """For any events, policies, states, velocity, patterns, shadows, alarms and samples; what is kept included."""
    shortly = asyncio.run(scored(records, regime, key, cut))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pipeline, "plain_accept", lambda *_: None)
        assert asyncio.run(scored(records, regime, key, cut)) == shortly


def accepted(
    signals: tuple[object, ...] = NO_SIGNALS, *, stateless: bool = True, sampled: float = 0.0, **fields: Any
) -> Judgement | None:
    effective = EffectivePolicy(COMPILED, COMPILED.basis(CLEAN.failures))
    return plain_accept(transaction(**fields), effective, signals, stateless, sampled)


def test_nearly_every_transaction_takes_the_shortcut() -> None:
    """Accepted, nothing known of its subject and nothing against it; marginal ones too."""
    assert accepted() == judge(transaction(), COMPILED, CLEAN.failures)
    assert accepted(match_score=0.87) is not None


@pytest.mark.parametrize("signal", Signals._fields)
def test_any_signal_shuts_the_shortcut(signal: str) -> None:
    """Whoever adds a signal need not think of the shortcut: it asks for all of them, and for their number."""
    something: dict[str, Any] = {signal: ("something",)}
    assert accepted(NO_SIGNALS._replace(**something)) is None
    assert accepted((*NO_SIGNALS, ())) is None


def test_what_must_be_kept_or_asked_shuts_the_shortcut() -> None:
    """A subject that left something behind, a failure, a label that is to be asked for."""
    assert accepted(stateless=False) is None
    assert accepted(sampled=0.5) is None
    assert accepted(liveness_score=0.5) is None
