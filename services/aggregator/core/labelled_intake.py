"""From events to what the ledger keeps of them. No subject_ref, no device reference, no timing is kept.

Of whose transaction it is a number comes along, which is salted before it is stored (`core.people`).
"""

from collections.abc import Callable, Set
from datetime import UTC, datetime
from typing import Final

import msgspec

from proofwatch.biometrics.spellings import truth_class
from proofwatch.events.codec import LABEL, VERDICT
from proofwatch.events.rejected import Rejected
from proofwatch.events.types import Label, Verdict
from proofwatch.instants import us_of
from services.aggregator.core.entries import NO_SCORE, Assertion, Entry, Key, Trial
from services.aggregator.core.people import plain
from services.aggregator.core.segments import segments_of

_END_US: Final = us_of(datetime(9999, 1, 1, tzinfo=UTC))
_encode = msgspec.json.Encoder().encode


def verdict_entry(
    value: bytes | None,
    logged_ms: int,
    catalogue: Set[str],
    decode: Callable[[bytes | None], Verdict] = VERDICT.decode,
) -> tuple[Key, Entry]:
    """Return what a verdict that was logged at `logged_ms` says. Raises `Rejected`.

    `catalogue` names the segments that are kept.
    """
    verdict = decode(value)
    segments = segments_of(verdict, catalogue)[1:]
    basis = verdict.basis
    trial = Trial(
        logged_ms,
        _microseconds(verdict.occurred_at, "occurred_at"),
        basis.policy_hash,
        verdict.decision,
        verdict.match_outcome,
        verdict.liveness_outcome,
        NO_SCORE if verdict.match_score is None else verdict.match_score,
        NO_SCORE if verdict.liveness_score is None else verdict.liveness_score,
        basis.match_threshold,
        basis.liveness_threshold,
        _encode(dict(sorted(segments))).decode() if segments else "{}",
        plain(verdict.tenant, verdict.subject_ref),
    )
    return (verdict.tenant, verdict.transaction_id), Entry(trial)


def label_entry(
    value: bytes | None, logged_ms: int = 0, decode: Callable[[bytes | None], Label] = LABEL.decode
) -> tuple[Key, Entry]:
    """Return what a label that was logged at `logged_ms` says. Raises `Rejected`.

    An aspect on which it says nothing (null) stays empty: it neither wins nor takes back what was asserted before.
    """
    label = decode(value)
    asserted_us = _microseconds(label.asserted_at, "asserted_at")

    def asserts(trial_class: str | None) -> Assertion | None:
        if trial_class is None:
            return None
        return Assertion(
            label.authority, asserted_us, label.label_id, trial_class, label.sampling_probability, -logged_ms
        )

    presentation = truth_class(label.presentation, label.pai_species, label.attack_class)
    entry = Entry(None, asserts(label.pair), asserts(presentation))
    return (label.tenant, label.transaction_id), entry


def _microseconds(at: datetime, field: str) -> int:
    us = us_of(at)
    if not 0 <= us < _END_US:
        raise Rejected("schema_mismatch", f"$.{field}: must lie within the years 1970 to 9998 in UTC")
    return us
