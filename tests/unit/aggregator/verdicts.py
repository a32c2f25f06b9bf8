"""Strategies of verdicts."""

from datetime import UTC, datetime, timedelta

from hypothesis import strategies as st

from proofwatch.events.types import Attempts, Basis, Device, Timings, Verdict

START = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
CATALOGUE = ("os", "sex")
THRESHOLDS = {"a" * 32: (0.85, 0.995), "b" * 32: (0.8612, 0.99)}

_score = st.none() | st.floats(0, 1)
_failures = st.sampled_from((0, 0, 0, 1, 2))
_duration = st.none() | st.floats(0, 86_400_000)


@st.composite
def verdicts(draw: st.DrawFn) -> Verdict:
    """A verdict of one of two tenants under one of two policies, within ten minutes."""
    policy_hash = draw(st.sampled_from(sorted(THRESHOLDS)))
    match_threshold, liveness_threshold = THRESHOLDS[policy_hash]
    match, liveness = draw(_score), draw(_score)
    return Verdict(
        schema_version=1,
        tenant=draw(st.sampled_from(("bank", "telco"))),
        transaction_id="t",
        subject_ref="s",
        occurred_at=START + timedelta(milliseconds=draw(st.integers(0, 600_000))),
        decision=draw(st.sampled_from(("accept", "retry", "refer"))),
        action=draw(st.sampled_from(("none", "retake_selfie"))),
        reasons=(),
        match_outcome="missing" if match is None else "pass" if match >= match_threshold else "fail",
        liveness_outcome="not_requested" if liveness is None else "pass" if liveness >= 0.9 else "fail",
        match_score=match,
        liveness_score=liveness,
        basis=Basis(
            policy_hash=policy_hash,
            controls_version=0,
            patterns_version=0,
            match_threshold=match_threshold,
            liveness_threshold=liveness_threshold,
            attempts_before=Attempts(match=draw(_failures), liveness=draw(_failures)),
            referred_before=draw(st.sampled_from((None, None, True))),
        ),
        device=draw(st.none() | st.builds(Device, os=st.sampled_from((None, "ios", "android")))),
        timings=draw(st.none() | st.builds(Timings, capture_ms=_duration, liveness_ms=_duration)),
        segments=draw(st.none() | st.dictionaries(st.sampled_from(("sex", "shoe")), st.just("x"), max_size=2)),
    )
