"""Transactions seen lately in one partition: which are repeats, which further attempts, and which contradict.

Vendors resubmit under one transaction id. A function of one horizon of the log: a record is compared with the valid
ones of its transaction before it that are younger than the policy's horizon. The payload of one of them: a repeat. Else
it is compared with the newest: of the same subject, and later by occurred_at or under an attempt_id of its own, it is a
further attempt; anything else is a conflict. Repeats and conflicts are remembered like any other, so that what is told
does not depend on records older than a horizon, and can be told again after a restart by reading just that much.
"""

from enum import Enum
from typing import Final

from proofwatch.detection.generations import Generations

_SIXTY_BITS: Final = (1 << 60) - 1  # the widest that CPython keeps in two digits: 32 bytes, not 48
_TWENTY_BITS: Final = (1 << 20) - 1
# What is known of a record, in one integer of 48 bytes: log time, occurred_at (48 bits), subject (20), payload (60).
# It is put together by additions, which cost half of what `|` costs.
_LOGGED: Final = 128
_OCCURRED: Final = 80
_SUBJECT: Final = 60
_OCCURRED_BITS: Final = (1 << 48) - 1
CONFLICT: Final = (
    "$.transaction_id: was seen with another payload within the policy's duplicate horizon; a further attempt is of "
    "the same subject and has a later occurred_at or an attempt_id of its own; send a repeat byte for byte"
)
"""Why a conflict is refused, in words for upstream."""


class Seen(Enum):
    """What is known about a transaction."""

    FIRST = "first"
    FURTHER = "further"
    REPEATED = "repeated"
    CONFLICTING = "conflicting"


class Recent(Generations[int, int, tuple[int, int]]):
    """The transactions of one partition, for one horizon of log time.

    By transaction: the timestamp of its newest record, and the hash of its payload in the low bits. A transaction costs
    two integers, which hold hashes under the process's own hash key; nothing of this is ever written down. Every
    further payload of it, and every attempt_id, costs two more: about 150 bytes a transaction.

    Log time is expected to ascend, as log-append time does; where it does not, a repeat may be missed that is nearly
    a horizon old.
    """

    __slots__ = ()

    def _take_back(self) -> None:
        while self._undo:
            transaction, known = self._undo.pop()
            self._young[transaction] = known
        self._forget_new_keys()

    def see(
        self,
        timestamp_ms: int,
        occurred_ms: int,
        tenant: str,
        transaction_id: str,
        attempt_id: str | None,
        key: bytes,
        value: bytes,
        horizon_ms: int,
    ) -> Seen:
        """Say what the record is to its transaction within `horizon_ms` (0: the first, then), and remember it.

        `occurred_ms` lies in [0, 2⁴⁸); `key` stands for the subject.
        """
        transaction = hash((tenant, transaction_id)) & _SIXTY_BITS
        payload = hash(value) & _SIXTY_BITS
        now = ((timestamp_ms << 48) + occurred_ms << _OCCURRED) + ((hash(key) & _TWENTY_BITS) << _SUBJECT) + payload
        # The attempt_id stands first, the payload second: a text and its bytes have one hash, and must not meet.
        named = attempt_id is not None and self._swap(hash((attempt_id, transaction)) & _SIXTY_BITS, now)
        # setdefault gives `now` back, the very object, when the transaction is new: one look-up instead of two.
        known = self._young.setdefault(transaction, now)
        if known is now:
            if transaction not in self._old:
                return Seen.FIRST
            known = self._old[transaction]
        else:
            self._undo.append((transaction, known))
            self._young[transaction] = now
        since_ms = timestamp_ms - horizon_ms
        if known >> _LOGGED <= since_ms:
            return Seen.FIRST
        if not (known ^ now) & _SIXTY_BITS:
            return Seen.REPEATED
        # From here on it is rare: another payload.
        self._swap(hash((transaction, known & _SIXTY_BITS)) & _SIXTY_BITS, known)
        before = self._find(hash((transaction, payload)) & _SIXTY_BITS)
        if before is not None and before >> _LOGGED > since_ms:
            return Seen.REPEATED
        if (known ^ now) >> _SUBJECT & _TWENTY_BITS:
            return Seen.CONFLICTING
        if attempt_id is not None:
            return Seen.CONFLICTING if named and named >> _LOGGED > since_ms else Seen.FURTHER
        later = occurred_ms > known >> _OCCURRED & _OCCURRED_BITS
        return Seen.FURTHER if later else Seen.CONFLICTING

    def _find(self, entry: int) -> int | None:
        known = self._young.get(entry)
        return self._old.get(entry) if known is None else known

    def _swap(self, entry: int, now: int) -> int | None:
        """Set an entry, and return what it was."""
        known = self._young.get(entry)
        if known is not None:
            self._undo.append((entry, known))
        self._young[entry] = now
        return self._old.get(entry) if known is None else known
