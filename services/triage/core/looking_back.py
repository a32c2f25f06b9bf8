"""What a pattern would have matched: counted by tenant and day, and which of it is opened for review."""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import UTC, date, datetime
from heapq import nlargest
from typing import Final

from msgspec import structs

from proofwatch.detection.suspicions import suspicion
from proofwatch.events.types import Suspicion, Transaction, Verdict
from proofwatch.governance.predicate import compile_predicate, parse
from services.triage.core.patterns import Pattern

NO_POLICY: Final = "0" * 32
"""In place of a policy's hash: no verdict of the attempt is known any more."""
HUNTED: Final = "hunted"
"""Says in the evidence of a suspicion that it was found by looking back."""
MOST_KEPT: Final = 100_000


Judged = tuple[str, str, datetime]
"""An attempt: tenant, transaction, and when it took place."""
Kept = list[tuple[Transaction, int]]
"""Transactions that matched, each with its partition."""


class LookBack:
    """Takes transactions, and keeps at most `MOST_KEPT` of what matches; `read`: how many were compared."""

    def __init__(self, pattern: Pattern, sees: Callable[[str], bool]) -> None:
        """`sees`: whether what belongs to a tenant is there for who asks; what is not is not compared."""
        self._holds = compile_predicate(parse(pattern.text.predicate))
        self._sees = sees
        self.read = self.beyond = 0
        self.kept: Kept = []

    def take(self, event: Transaction, partition: int) -> None:
        """Compare a transaction."""
        if not self._sees(event.tenant):
            return
        self.read += 1
        if not self._holds(event):
            return
        if len(self.kept) < MOST_KEPT:
            self.kept.append((event, partition))
        else:
            self.beyond += 1


def by_day(kept: Kept) -> Counter[tuple[str, date]]:
    """Count what matched by tenant and day (UTC) on which it took place."""
    return Counter((event.tenant, event.occurred_at.astimezone(UTC).date()) for event, _ in kept)


def opened(
    pattern: Pattern, kept: Iterable[tuple[Transaction, int]], known: Collection[str], limit: int
) -> list[tuple[Suspicion, int]]:
    """Return the suspicions of the newest `limit` that matched and are `known` by no suspicion yet, the oldest first.

    Their ids are those that the scorer would have given them: what is opened twice is one.
    """
    fresh = {each.suspicion_id: (each, partition) for each, partition in suspicions(pattern, kept)}
    there = [found for suspicion_id, found in fresh.items() if suspicion_id not in known]
    return nlargest(limit, there, key=lambda each: (each[0].occurred_at, each[0].suspicion_id))[::-1]


def attempt_of(of: Suspicion | Verdict) -> Judged:
    """Return the attempt that something is of."""
    return of.tenant, of.transaction_id, of.occurred_at.astimezone(UTC)


def under(found: Iterable[tuple[Suspicion, int]], policies: Mapping[Judged, str]) -> list[tuple[Suspicion, int]]:
    """Return suspicions, each with the hash of the policy that judged its attempt: no policy opens what is hunted."""
    return [
        (structs.replace(each, policy_hash=policies.get(attempt_of(each), NO_POLICY)), partition)
        for each, partition in found
    ]


def suspicions(pattern: Pattern, kept: Iterable[tuple[Transaction, int]]) -> list[tuple[Suspicion, int]]:
    """Return the suspicion of each, with its partition."""
    evidence = {"revision": float(pattern.revision), HUNTED: 1.0}
    return [
        (
            suspicion(
                event,
                "attack_pattern",
                evidence,
                NO_POLICY,
                pattern.pattern_id,
                severity=pattern.text.severity,
                pattern_id=pattern.pattern_id,
            ),
            partition,
        )
        for event, partition in kept
    ]
