"""What `proofwatch publish` sends: one test transaction, a file, or simulated traffic. Pure."""

import itertools
import sys
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import orjson

from proofwatch.bus.records import Outgoing
from proofwatch.events import topics
from proofwatch.events.topics import is_dead_letter_topic
from proofwatch.governance.policy import load_policy
from proofwatch.intake import Intake
from proofwatch.scorefile.blanks import blank_notes, blanks_of
from proofwatch.scorefile.mapping import Score, load_mapping
from proofwatch.scorefile.reader import Reader, with_times
from proofwatch.scorefile.trials import check_scales, columns_of, scales_of
from proofwatch.simulation.scenario import Scenario
from proofwatch.simulation.traffic import simulate
from proofwatch.tabular import open_table
from services.standalone.feed import Feed

Rows = Iterator[Sequence[Outgoing]]
"""One transaction after the other, each with what goes with it."""

_SCORES: Final[tuple[Score, ...]] = ("match_score", "liveness_score")


def one(tenant: str, now: datetime) -> Rows:
    """Yield a transaction that passes by the default policy, of a subject that nobody has."""
    name = uuid4().hex[:12]
    event = {
        "schema_version": 1,
        "tenant": tenant,
        "transaction_id": f"test-{name}",
        "subject_ref": f"test-subject-{name}",
        "occurred_at": now.isoformat(),
        "match_score": 0.99,
        "liveness_score": 0.999,
    }
    key = f"{tenant}/{event['subject_ref']}".encode()
    yield [Outgoing(topics.TRANSACTIONS, key, orjson.dumps(event))]


def simulated(count: int, seed: int, tenant: str | None, now: Callable[[], datetime]) -> Rows:
    """Yield the demo's traffic as it happens now; `tenant` None: its three tenants.

    Equal seeds give equal transactions, so that the same again is what upstream would call resending.
    """
    before: list[Outgoing] = []  # labels, which come long after their transactions
    for record in simulate(Scenario(events=count, seed=seed)):
        before.append(_now(record, tenant, now()))
        if record.topic == topics.TRANSACTIONS:
            yield before
            before = []


def _now(record: Outgoing, tenant: str | None, now: datetime) -> Outgoing:
    """Return the record as if it happened now; one that cannot be read stays as it is."""
    key = record.key
    if tenant and key:
        key = tenant.encode() + b"/" + key.partition(b"/")[2]
    try:
        event: dict[str, Any] = orjson.loads(record.value or b"")
    except orjson.JSONDecodeError:
        return record._replace(key=key, timestamp_ms=None)
    for name in ("occurred_at", "asserted_at"):
        if name in event:
            event[name] = now.isoformat()
    if tenant:
        event["tenant"] = tenant
    return record._replace(key=key, value=orjson.dumps(event), timestamp_ms=None)


def of_file(path: Path, mapping_path: Path | None, tenant: str, rate: float, now: datetime) -> tuple[Rows, int]:
    """Return the rows of a file in the order of their times, as `replay` reads them, and how many there are.

    A row without a time gets one from now on. Raises `TableError`, `ValueError`, `OSError`.
    """
    mapping = load_mapping(mapping_path)
    table = open_table(path)
    columns = with_times(table, columns_of(table, mapping, str(mapping_path) if mapping_path else None))
    check_scales(table, columns, mapping)
    scales = scales_of(table, columns, mapping, dict.fromkeys(_SCORES), 0.01).scales
    blanks = blanks_of(table, columns, mapping, scales)
    for note in blank_notes(blanks):
        sys.stderr.write(f"{path}: {note}\n")
    intake = Intake(
        reader=Reader(columns, mapping, scales, blanks=blanks),
        tenant=tenant,
        file_digest=uuid4().hex[:12],
        start=now,
        step=timedelta(seconds=1 / rate) if rate else timedelta(0),
        required=frozenset(load_policy().required_checks),
    )
    feed = Feed(table, intake, sys.stderr.write)
    if feed.broken:
        sys.stderr.write(
            f"{path}: {feed.broken:,} rows cannot be read and are not sent; `evaluate` says which and why\n"
        )
    rows = ([each for each in row if not is_dead_letter_topic(each.topic)] for row in feed.chunks(1))
    return rows, feed.total


def limited(rows: Rows, count: int | None) -> Rows:
    """Return at most `count` rows."""
    return rows if count is None else itertools.islice(rows, count)


def utc_now() -> datetime:
    """Return the time."""
    return datetime.now(UTC)
