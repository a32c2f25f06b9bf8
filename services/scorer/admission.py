"""What may be judged: records that are valid, under their own key, and not from the future."""

from proofwatch.bus.port import Record
from proofwatch.events.codec import TRANSACTION
from proofwatch.events.rejected import Rejected
from proofwatch.events.types import Transaction

_decode = TRANSACTION.decode


def admit(record: Record, ahead_ms: int) -> tuple[Transaction, bytes, bytes]:
    """Return the record's transaction, key and value.

    `ahead_ms`: by how many milliseconds occurred_at may be ahead of the record's timestamp. Raises `Rejected`.
    """
    _, timestamp_ms, key, value, _ = record
    event = _decode(value)
    if value is None or key is None or key != f"{event.tenant}/{event.subject_ref}".encode():
        raise _wrong_key(key)
    if event.occurred_at.timestamp() * 1000 > timestamp_ms + ahead_ms:
        raise Rejected(
            "time_ahead",
            f"$.occurred_at: is more than {ahead_ms // 1000} s ahead of the record's timestamp; "
            "set the clock of the upstream system right, or raise max_ahead_seconds in the policy",
        )
    return event, key, value


def _wrong_key(key: bytes | None) -> Rejected:
    right = "must be tenant/subject_ref in UTF-8, as in the event"
    if not key:
        return Rejected("missing_key", f"the record has no key; it {right}")
    return Rejected("key_mismatch", f"the record's key {right}: ordering and attempts depend on it")
