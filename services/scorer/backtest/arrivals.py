"""Transactions as they come out of a source, and the truth about them."""

from collections import Counter
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Literal, NamedTuple, Protocol

import msgspec

from proofwatch.biometrics.spellings import truth_class
from proofwatch.events.types import Label, Transaction


class Truth(NamedTuple):
    """What labels say: `pair` is genuine or impostor, `presentation` bona_fide or attack:<species>; None: nothing."""

    pair: str | None
    presentation: str | None


class Arrival(msgspec.Struct, frozen=True, gc=False):
    """One transaction of a log.

    `offset` ascends within a partition. `timestamp_ms` is log time, or the event's own time where there is no other.
    `key` is tenant/subject_ref. `value` are the bytes by which a repeat is told from a conflict. `recorded` is the
    decision that was made at the time, where a source knows it and knows no subject.
    """

    offset: int
    timestamp_ms: int
    key: str
    value: bytes
    event: Transaction
    truth: Truth | None
    recorded: str | None = None


class Period(NamedTuple):
    """Which transactions count, by occurred_at: from `since` up to, not including, `until`; None: no bound."""

    since: datetime | None = None
    until: datetime | None = None


ALWAYS: Final = Period()


@dataclass(slots=True)
class Accounts:
    """What a source has read: all records, those of other tenants, and those that no policy could judge, by reason."""

    read: int = 0
    other_tenants: int = 0
    refused: Counter[str] = field(default_factory=Counter)


Kind = Literal["file", "topic", "ledger"]
Counted = Literal["counted", "recorded"]


class Source(Protocol):
    """Where transactions come from. `attempts` says whether subjects are known, so that attempts can be counted.

    `done` of `total` (records or bytes; None: not known) is for the progress bar.
    """

    kind: Kind
    attempts: Counted
    accounts: Accounts
    total: int | None
    done: int

    def batches(self) -> AsyncIterator[tuple[int, Sequence[Arrival]]]:
        """Yield (partition, arrivals): a partition's in log order, one partition after the other."""
        ...


class Truths:
    """Labels by transaction; of several the winner counts.

    The winner of each aspect is the greatest by (authority, asserted_at, label_id), as in the ledger; it does not
    depend on the order in which labels came.
    """

    def __init__(self) -> None:
        self._pairs: dict[tuple[str, str], tuple[int, datetime, str, str]] = {}
        self._presentations: dict[tuple[str, str], tuple[int, datetime, str, str]] = {}

    def __bool__(self) -> bool:
        """Return whether there is any label."""
        return bool(self._pairs or self._presentations)

    def add(self, label: Label) -> None:
        """Take one label into account."""
        key = (label.tenant, label.transaction_id)
        if label.pair:
            _keep(self._pairs, key, (label.authority, label.asserted_at, label.label_id, label.pair))
        if presentation := _presentation(label):
            _keep(self._presentations, key, (label.authority, label.asserted_at, label.label_id, presentation))

    def of(self, tenant: str, transaction_id: str) -> Truth | None:
        """Return what is known about a transaction."""
        key = (tenant, transaction_id)
        pair, presentation = self._pairs.get(key), self._presentations.get(key)
        if pair is None and presentation is None:
            return None
        return Truth(pair and pair[3], presentation and presentation[3])


def truth_of(label: Label) -> Truth:
    """Return what one label says."""
    return Truth(label.pair, _presentation(label))


def _presentation(label: Label) -> str | None:
    return truth_class(label.presentation, label.pai_species, label.attack_class)


def _keep(
    winners: dict[tuple[str, str], tuple[int, datetime, str, str]],
    key: tuple[str, str],
    assertion: tuple[int, datetime, str, str],
) -> None:
    known = winners.get(key)
    if known is None or assertion > known:
        winners[key] = assertion
