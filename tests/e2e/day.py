"""The input of the journey, and what must become of it, derived from the input alone."""

import itertools
import json
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

import msgspec

from proofwatch.bus.partitioner import partition_of
from proofwatch.bus.port import Outgoing
from proofwatch.events import topics
from proofwatch.events.types import Label, Transaction
from proofwatch.simulation.scenario import Scenario
from proofwatch.simulation.traffic import simulate

EVENTS: Final = 20_000
_LATE_RESENDS: Final = 330
SCENARIO: Final = Scenario(events=EVENTS - _LATE_RESENDS, seed=11, resends=0.01, malformed=0.002)
START_MS: Final = round(SCENARIO.start.timestamp() * 1000)
CANARY: Final = "canary"
_LATER_MS: Final = 3 * 86_400_000
_RESENT_AFTER_MS: Final = 50 * 60_000
"""Within the policy's duplicate horizon of an hour."""
_SCHEMA_VERSION: Final = 1

Id = tuple[str, str]
"""Tenant and transaction id."""


class Day(NamedTuple):
    """Records in time order; the canaries are those that come days later, when everything before them is closed."""

    records: Sequence[Outgoing]
    canaries: Sequence[Outgoing]

    @property
    def all(self) -> list[Outgoing]:
        """Return everything there is to publish, in order."""
        return [*self.records, *self.canaries]


class Fate(NamedTuple):
    """What must become of the transactions of one partition, given in the order of the log."""

    decided: Sequence[Id]
    by_key: dict[bytes, list[Id]]
    refused: Counter[bytes]
    repeated: int


def day() -> Day:
    """Return the simulated day with its late labels, and one canary for each partition that time must pass in.

    Beside the simulation's own resends, seconds after the first, there are some that come much later: at any moment a
    few are on their way, so that a killed scorer must bring back from the log what it tells duplicates by.
    """
    simulated = list(simulate(SCENARIO))
    transactions = [each for each in simulated if each.topic == topics.TRANSACTIONS and _id(each.value or b"")]
    late = transactions[:: len(transactions) // _LATE_RESENDS][:_LATE_RESENDS]
    resent = [each._replace(timestamp_ms=(each.timestamp_ms or 0) + _RESENT_AFTER_MS) for each in late]
    records = sorted(simulated + resent, key=lambda each: each.timestamp_ms or 0)
    last_ms = max(record.timestamp_ms or 0 for record in records)
    return Day(records, list(_canaries(last_ms + _LATER_MS)))


def fate(partition: Iterable[tuple[bytes | None, bytes | None]]) -> Fate:
    """Tell from keys and values which transactions get a verdict: valid ones, each of them once."""
    decided: dict[Id, None] = {}
    by_key: dict[bytes, list[Id]] = {}
    refused: Counter[bytes] = Counter()
    repeated = 0
    for key, value in partition:
        assert key is not None
        assert value is not None
        who = _id(value)
        if who is None:
            refused[value] += 1
        elif who in decided:
            repeated += 1
        else:
            decided[who] = None
            by_key.setdefault(key, []).append(who)
    return Fate(list(decided), by_key, refused, repeated)


def _id(value: bytes) -> Id | None:
    """Return whose transaction it is; None for what the simulation has broken: JSON, version or number."""
    try:
        event = json.loads(value, parse_constant=_no_number)
    except ValueError:
        return None
    if event["schema_version"] != _SCHEMA_VERSION:
        return None
    return event["tenant"], event["transaction_id"]


def _no_number(name: str) -> float:
    raise ValueError(name)


def _canaries(at_ms: int) -> Iterable[Outgoing]:
    """Yield ordinary transactions, one in each partition, and one label in each partition of the labels."""
    manifests = topics.load_manifests()
    occurred_at = datetime.fromtimestamp(at_ms / 1000, UTC)
    subjects = _keys("s", manifests[topics.TRANSACTIONS].partitions)
    proofs = _keys("t", manifests[topics.LABELS].partitions)
    for subject, proof in itertools.zip_longest(subjects, proofs, fillvalue=subjects[0]):
        transaction = Transaction(
            schema_version=1,
            tenant=CANARY,
            transaction_id=proof,
            subject_ref=subject,
            occurred_at=occurred_at,
            match_score=0.97,
            liveness_score=0.999,
        )
        yield _record(topics.TRANSACTIONS, subject, transaction, at_ms)
    for proof in proofs:
        label = Label(
            schema_version=1,
            tenant=CANARY,
            transaction_id=proof,
            label_id=f"l-{proof}",
            asserted_at=occurred_at + timedelta(milliseconds=1),
            authority=40,
            pair="genuine",
            presentation="bona_fide",
            sampling_probability=1.0,
        )
        yield _record(topics.LABELS, proof, label, at_ms + 1)


def _keys(prefix: str, partitions: int) -> list[str]:
    """Return a name for each partition that its key, tenant/name, belongs to."""
    found: dict[int, str] = {}
    for number in itertools.count():
        name = f"{prefix}-{number}"
        found.setdefault(partition_of(f"{CANARY}/{name}".encode(), partitions), name)
        if len(found) == partitions:
            return [found[partition] for partition in range(partitions)]
    raise AssertionError


def _record(topic: str, name: str, event: msgspec.Struct, at_ms: int) -> Outgoing:
    return Outgoing(topic, f"{CANARY}/{name}".encode(), msgspec.json.encode(event), timestamp_ms=at_ms)
