"""Verdicts joined with truth: what the ledger knows about one transaction. Pure.

An `Entry` is one trial (the verdict part) and the winning assertion on each of the two aspects, match and liveness.
All three slots are joins of a semilattice, `min` for the trial and `max` for the assertions, over tuples that are
ordered totally: so the entry that a set of verdicts and labels leads to does not depend on their order, their
repetition or how they were cut into batches.
"""

from collections.abc import Iterable
from typing import NamedTuple

Key = tuple[str, str]
"""(tenant, transaction_id)"""


class Trial(NamedTuple):
    """The part of a verdict that is kept; the least tuple wins.

    Several verdicts on one transaction are duplicates that came back beyond the scorer's horizon. The one that was
    logged first counts, for it is the one that upstream acted on; `logged_ms` is its log time. Ties, which only a
    replay makes, go to the earlier `occurred_us` (microseconds since 1970) and then by content. The scores are
    -1 where there is none, so that trials can be compared. `segments` is a JSON object in the catalogue's order.
    `person`: a number that whose transactions of one month are have in common, and no others (`core.people`); 0: not
    known.
    """

    logged_ms: int
    occurred_us: int
    policy_hash: str
    decision: str
    match_outcome: str
    liveness_outcome: str
    match_score: float
    liveness_score: float
    match_threshold: float
    liveness_threshold: float
    segments: str
    person: int = 0


NO_SCORE = -1.0


class Assertion(NamedTuple):
    """One assertion about one aspect; the greatest tuple wins: by authority, then the latest, then the label_id.

    `trial_class` is genuine or impostor, bona_fide or attack:<species>. It and the sampling probability only order
    labels that contradict each other under one label_id, which then do not depend on arrival either. Of equal ones the
    one logged first is the greatest: `minus_logged_ms` is its log time, in ms since 1970, with a minus; 0: not known.
    """

    authority: int
    asserted_us: int
    label_id: str
    trial_class: str
    probability: float
    minus_logged_ms: int = 0


class Entry(NamedTuple):
    """What is known about one transaction."""

    trial: Trial | None = None
    pair: Assertion | None = None
    presentation: Assertion | None = None

    def join(self, other: "Entry") -> "Entry":
        """Return what both know together: commutative, associative, idempotent."""
        return Entry(
            min(self.trial, other.trial) if self.trial and other.trial else self.trial or other.trial,
            _stronger(self.pair, other.pair),
            _stronger(self.presentation, other.presentation),
        )


def fold(entries: Iterable[tuple[Key, Entry]]) -> dict[Key, Entry]:
    """Return the entries of a batch joined by key, in the order of the keys: the order in which rows are locked."""
    joined: dict[Key, Entry] = {}
    for key, entry in entries:
        before = joined.get(key)
        joined[key] = before.join(entry) if before else entry
    return {key: joined[key] for key in sorted(joined)}


def _stronger(one: Assertion | None, other: Assertion | None) -> Assertion | None:
    return max(one, other) if one and other else one or other
