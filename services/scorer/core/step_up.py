"""Step-up MFA: flagged users of a cohort whose APCER is in breach must pass a second factor.

All times are log time. `qualifying` is a transaction of a flagged user (a suspicion within `flagged_days`) of a cohort
for which a step_up_mfa control is in force.

| step-up | transaction | becomes | record |
|---|---|---|---|
| off | not qualifying | off | – |
| off | qualifying | on until now + hold | on |
| on, at least half of the hold left | any | on | – |
| on, less than half of the hold left | not qualifying | on | – |
| on, less than half of the hold left | qualifying | on until now + hold, since as before | on, the same id |
| lapsed (now ≥ until) | not qualifying | off | off |
| lapsed | qualifying | on anew | off, on |

So it holds for the whole hold from when it was turned on, and for at least half of it after every qualifying
transaction, though the control or the flag end sooner: that is the hysteresis. Prolonging only when less than half is
left keeps records few, and the record always says what the state is. A lapse depends on time alone, never on when
somebody looks; `Expiring` tells it for users who do not come back.
"""

from functools import cache
from heapq import heapify, heappop, heappush
from typing import Final, NamedTuple, Self

from proofwatch.detection.generations import Rewindable
from proofwatch.events.enumerations import StepUpState
from proofwatch.events.identity import derived_id
from proofwatch.events.types import Mfa, StepUp
from proofwatch.governance.policy import StepUpRule
from proofwatch.instants import instant_of, ms_of
from services.scorer.core.rules import Judgement

_HOUR_MS: Final = 3_600_000
_COMPACT_AT: Final = 1_024


class StepUpTimes(NamedTuple):
    """A policy's step_up in milliseconds: how long a user counts as flagged, how long step-up MFA holds."""

    flagged_ms: int
    hold_ms: int

    @classmethod
    def of(cls, rule: StepUpRule) -> Self:
        """Return the times of a policy."""
        return cls(rule.flagged_days * 24 * _HOUR_MS, rule.hold_hours * _HOUR_MS)


def advance(
    mfa: Mfa | None, now_ms: int, flagged_at_ms: int | None, control_id: str | None, times: StepUpTimes
) -> Mfa | None:
    """Return the user's step-up MFA at a transaction of log time `now_ms`; the same object when nothing changes.

    `flagged_at_ms`: log time of the user's last suspicion, this transaction's included; `control_id`: the step_up_mfa
    control in force for the transaction's cohort; each None when there is none.
    """
    if mfa is None and control_id is None:
        return None
    flagged = flagged_at_ms is not None and now_ms - flagged_at_ms < times.flagged_ms
    qualifying = control_id if flagged else None
    on = mfa if mfa and now_ms < mfa.until_ms else None
    if qualifying is None:
        return on
    if on is None:
        return Mfa(control_id=qualifying, since_ms=now_ms, until_ms=now_ms + times.hold_ms)
    if (on.until_ms - now_ms) * 2 >= times.hold_ms:
        return on
    return Mfa(control_id=on.control_id, since_ms=on.since_ms, until_ms=now_ms + times.hold_ms)


def records(tenant: str, subject_ref: str, before: Mfa | None, after: Mfa | None) -> tuple[StepUp, ...]:
    """Return what tells that a user's step-up MFA went from `before` to `after`, in order."""
    if before is after or before == after:
        return ()
    ended = before is not None and (after is None or after.since_ms != before.since_ms)
    off = (_record(tenant, subject_ref, before, "off"),) if before and ended else ()
    return (*off, _record(tenant, subject_ref, after, "on")) if after else off


def off_record(key: bytes, mfa: Mfa) -> StepUp:
    """Return the off record of a user by the record's key, `tenant/subject_ref`."""
    tenant, _, subject_ref = key.decode().partition("/")
    return _record(tenant, subject_ref, mfa, "off")


@cache
def with_step_up(judgement: Judgement) -> Judgement:
    """Return the judgement for a user under step-up MFA: an accept asks for it, anything else stays as it is.

    There are few judgements and all are shared, so they are kept.
    """
    if judgement.decision != "accept":
        return judgement
    return judgement._replace(
        action="step_up_mfa",
        reasons=("step_up_mfa_required", *judgement.reasons),
        message_code="step_up_mfa.step_up_mfa_required",
    )


class Expiring(Rewindable[tuple[bytes, Mfa | None]]):
    """The users of one partition who are under step-up MFA, and whose time is up when.

    It holds what was told: the last on record of every user without an off record after it. So it can be rebuilt from
    the compacted step-ups topic, and who takes the state from here tells neither on nor off twice. Each user takes one
    entry, and the order at most as many again.
    """

    __slots__ = ("_by_key", "_order")

    def __init__(self) -> None:
        super().__init__()
        self._by_key: dict[bytes, Mfa] = {}
        self._order: list[tuple[int, bytes]] = []

    def __len__(self) -> int:
        """Return how many users are under step-up MFA, or lapsed and not yet told so."""
        return len(self._by_key)

    def begin(self, offset: int) -> None:
        """Begin a batch at `offset`, or begin it anew: then what it changed is taken back.

        Raises `ValueError` for an offset before the last batch: then the topic must be read anew.
        """
        self._begin(offset, "the step-ups")

    def _take_back(self) -> None:
        while self._undo:
            key, mfa = self._undo.pop()
            self._set(key, mfa)

    def get(self, key: bytes) -> Mfa | None:
        """Return the user's step-up MFA as it was told last; it may have lapsed (`advance` sees to that)."""
        return self._by_key.get(key)

    def put(self, key: bytes, mfa: Mfa | None) -> None:
        """Take note of what `advance` returned; None: it is off."""
        before = self._by_key.get(key)
        if before != mfa:
            self._undo.append((key, before))
            self._set(key, mfa)

    def read(self, key: bytes, record: StepUp) -> None:
        """Take note of a record of the step-ups topic, in the order of the topic: rebuilds what was told."""
        on = record.state == "on"
        mfa = Mfa(control_id=record.control_id, since_ms=ms_of(record.since), until_ms=ms_of(record.until))
        self._set(key, mfa if on else None)

    def due(self, now_ms: int) -> list[tuple[bytes, Mfa]]:
        """Remove and return who has lapsed at log time `now_ms`, the earliest first."""
        found = []
        while self._order and self._order[0][0] <= now_ms:
            until_ms, key = heappop(self._order)
            mfa = self._by_key.get(key)
            if mfa and mfa.until_ms == until_ms:
                self._undo.append((key, mfa))
                del self._by_key[key]
                found.append((key, mfa))
        return found

    def _set(self, key: bytes, mfa: Mfa | None) -> None:
        if mfa is None:
            self._by_key.pop(key, None)
            return
        self._by_key[key] = mfa
        heappush(self._order, (mfa.until_ms, key))
        if len(self._order) > _COMPACT_AT and len(self._order) > 2 * len(self._by_key):
            self._order = [(each.until_ms, key) for key, each in self._by_key.items()]
            heapify(self._order)


def _record(tenant: str, subject_ref: str, mfa: Mfa, state: StepUpState) -> StepUp:
    return StepUp(
        schema_version=1,
        step_up_id=derived_id("step-up", tenant, subject_ref, state, mfa.since_ms),
        tenant=tenant,
        subject_ref=subject_ref,
        state=state,
        control_id=mfa.control_id,
        since=instant_of(mfa.since_ms),
        until=instant_of(mfa.until_ms),
    )
