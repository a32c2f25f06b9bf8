"""The input of the journey, and what must become of it, derived from the input alone."""

import itertools
import json
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

import msgspec

from proofwatch.bus.partitioner import partition_of
from proofwatch.bus.records import Outgoing
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
_RESTATED: Final = "harbour-bank"
_LATE: Final = 5
"""Late records of each kind. Few, in one partition and of people who pass: how often a window is restated on the way
depends on how the log is cut into batches, and no rate may leave its baseline in between."""

Id = tuple[str, str]
"""Tenant and transaction id."""


class Day(NamedTuple):
    """Records in time order. Canaries come days later and close everything before them; what is late restates it."""

    records: Sequence[Outgoing]
    canaries: Sequence[Outgoing]
    late: Sequence[Outgoing]

    @property
    def all(self) -> list[Outgoing]:
        """Return everything there is to publish, in order."""
        return [*self.records, *self.canaries, *self.late]


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
    late_ms = last_ms + _LATER_MS + 1_000
    return Day(records, list(_canaries(last_ms + _LATER_MS)), [*_late_proofs(late_ms), *_late_labels(records, late_ms)])


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


def _late_proofs(at_ms: int) -> Iterable[Outgoing]:
    """Yield transactions that upstream held back: their windows closed long ago."""
    for number in range(_LATE):
        proof = Transaction(
            schema_version=1,
            tenant=_RESTATED,
            transaction_id=f"late-{number}",
            subject_ref="s-late",
            occurred_at=SCENARIO.start + timedelta(hours=12, minutes=2 * number),
            match_score=0.97,
            liveness_score=0.999,
        )
        yield Outgoing(topics.TRANSACTIONS, f"{_RESTATED}/s-late".encode(), msgspec.json.encode(proof), None, at_ms)


def _late_labels(records: Sequence[Outgoing], at_ms: int) -> Iterable[Outgoing]:
    """Yield labels of accepted people whose day was closed long ago; all of them in one partition."""
    labelled = {record.key for record in records if record.topic == topics.LABELS}
    partitions = topics.load_manifests()[topics.LABELS].partitions
    found = 0
    for record in records:
        who = _id(record.value or b"") if record.topic == topics.TRANSACTIONS else None
        if who is None or who[0] != _RESTATED or not _passes(record.value or b""):
            continue
        key = "/".join(who).encode()
        if key in labelled or partition_of(key, partitions) != 0:
            continue
        label = Label(
            schema_version=1,
            tenant=who[0],
            transaction_id=who[1],
            label_id=f"late-{who[1]}",
            asserted_at=datetime.fromtimestamp(at_ms / 1000, UTC),
            authority=40,
            pair="genuine",
            presentation="bona_fide",
            sampling_probability=1.0,
        )
        yield Outgoing(topics.LABELS, key, msgspec.json.encode(label), None, at_ms)
        found += 1
        if found == _LATE:
            return


def _passes(value: bytes) -> bool:
    event = json.loads(value)
    return (event.get("match_score") or 0) >= 0.9 and (event.get("liveness_score") or 0) >= 0.995


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
