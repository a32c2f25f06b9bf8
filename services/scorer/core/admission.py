"""What may be judged: records that are valid, under their own key, of a tenant with a contract, and of their time."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

import msgspec

from proofwatch.bus.records import Record
from proofwatch.events.rejected import Rejected
from proofwatch.events.types import Transaction
from proofwatch.instants import EPOCH
from services.scorer.core.effective_policies import EffectivePolicies, EffectivePolicy

Decode = Callable[[bytes | None], Transaction]

EARLIEST: Final = EPOCH
LATEST: Final = datetime(9999, 1, 1, tzinfo=UTC)
"""occurred_at lies in [EARLIEST, LATEST): what every later stage can put into a window, in any time zone."""


def admit(
    record: Record, policies: EffectivePolicies, decode: Decode, soon: datetime = EARLIEST
) -> tuple[Transaction, bytes, bytes, EffectivePolicy]:
    """Return the record's transaction, key and value, and the policy that decides about it. Raises `Rejected`.

    `soon`: a time that no policy takes to be ahead of any record of the batch; it spares a closer look.
    """
    _, timestamp_ms, key, value, _ = record
    event = decode(value)
    if value is None or key is None or key != f"{event.tenant}/{event.subject_ref}".encode():
        raise _wrong_key(key)
    effective = policies.by_tenant.get(event.tenant) or policies.of_tenant(event.tenant)
    if effective.guarded:
        effective, event = _narrowed(effective, event)
    if not EARLIEST <= event.occurred_at <= soon:
        _check_time(event, timestamp_ms, effective.policy.ahead_ms)
    return event, key, value, effective


def _wrong_key(key: bytes | None) -> Rejected:
    right = "must be tenant/subject_ref in UTF-8, as in the event"
    if not key:
        return Rejected("missing_key", f"the record has no key; it {right}")
    return Rejected("key_mismatch", f"the record's key {right}: ordering and attempts depend on it")


def _check_time(event: Transaction, timestamp_ms: int, ahead_ms: int) -> None:
    if not EARLIEST <= event.occurred_at < LATEST:
        raise Rejected("schema_mismatch", "$.occurred_at: must lie in the years 1970 to 9998, so that it has a window")
    if timestamp_ms <= 0:
        raise Rejected("time_ahead", "the record has no timestamp (CreateTime 0 or -1); let the producer send its time")
    if event.occurred_at.timestamp() * 1000 > timestamp_ms + ahead_ms:
        raise Rejected(
            "time_ahead",
            f"$.occurred_at: is more than {ahead_ms // 1000} s ahead of the record's timestamp; "
            "set the clock of the upstream system right, or raise max_ahead_seconds in the policy",
        )


def _narrowed(effective: EffectivePolicy, event: Transaction) -> tuple[EffectivePolicy, Transaction]:
    """Return the policy of the event's cohorts, and the event with only those segments that its tenant may send."""
    if effective.refused is not None:
        raise Rejected("tenant_not_served", f"$.tenant: {effective.refused}")
    if effective.segments is not None and event.segments and not effective.segments.issuperset(event.segments):
        kept = {name: value for name, value in event.segments.items() if name in effective.segments}
        event = msgspec.structs.replace(event, segments=kept or None)
    return effective.cohorts.of(event) if effective.cohorts else effective, event
