"""Transactions, records and batches for the scorer's tests, and a log to drive its stage over."""

from collections.abc import AsyncIterator, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import msgspec

from proofwatch.bus.local.bus import LocalBus
from proofwatch.bus.records import Batch, Outgoing, Record, TopicPartition
from proofwatch.events.codec import VERDICT
from proofwatch.events.topics import STEP_UPS, SUBJECTS, TRANSACTIONS, VERDICTS
from proofwatch.events.types import SubjectState, Transaction, Verdict
from proofwatch.events.wire import JSON, Wire
from proofwatch.governance.policy import Policy, load_policy
from proofwatch.runtime.clock import SimulatedClock
from services.scorer.adapters.governance import Ungoverned
from services.scorer.core.attempts import Identity
from services.scorer.core.compiled_policy import CompiledPolicy
from services.scorer.core.subject import NOTHING
from services.scorer.handlers.stage import ScorerStage
from services.scorer.ports import Governance, Observer, Subjects
from tests.unit.bus.stages import written

START = datetime(2026, 1, 15, 8, tzinfo=UTC)
START_MS = 1_768_464_000_000
HOUR_MS = 3_600_000
SOURCE = TopicPartition(TRANSACTIONS, 2)
POLICY = load_policy()
COMPILED = CompiledPolicy.of(POLICY)
CLOCK = SimulatedClock(START_MS)


def of(number: int, attempt: int = 0) -> Identity:
    """The identity of an attempt of a transaction that has but one."""
    return Identity(number, attempt)


def transaction(number: int = 0, subject: str = "s", at_s: float = 0.0, **fields: Any) -> Transaction:
    """A transaction that passes, unless `fields` say otherwise; `at_s`: seconds of occurred_at after START."""
    given = {"match_score": 0.95, "liveness_score": 0.999} | fields
    return Transaction(
        schema_version=1,
        tenant="acme",
        transaction_id=f"tx-{number}",
        subject_ref=subject,
        occurred_at=START + timedelta(seconds=at_s),
        **given,
    )


def record(offset: int, event: Transaction, timestamp_ms: int | None = None) -> Record:
    """The record of a transaction; by default it is appended when it occurred."""
    when_ms = round(event.occurred_at.timestamp() * 1000) if timestamp_ms is None else timestamp_ms
    return Record(offset, when_ms, f"{event.tenant}/{event.subject_ref}".encode(), msgspec.json.encode(event))


def batch(records: Sequence[Record], position: int | None = None) -> Batch:
    """Consecutive records as a lane would hand them over."""
    before = (records[0].offset if records else 0) if position is None else position
    after = records[-1].offset + 1 if records else before
    return Batch(SOURCE, records, before, after, None, START_MS)


class LogHistory:
    """What lies before a position of a list of records."""

    def __init__(self, records: Sequence[Record], position: int) -> None:
        self._records = [r for r in records if r.offset < position]
        self.read = 0

    async def since(self, timestamp_ms: int) -> AsyncIterator[Sequence[Record]]:
        first = next((i for i, r in enumerate(self._records) if r.timestamp_ms >= timestamp_ms), None)
        for at in range(first or 0, len(self._records) if first is not None else 0, 2):
            chunk = self._records[at : at + 2]
            self.read += len(chunk)
            yield chunk


def log() -> LocalBus:
    """A bus with the topics that the stage looks back into."""
    return LocalBus({SUBJECTS: 6, STEP_UPS: 6}, CLOCK)


def stage(
    subjects: Subjects,
    policy: Policy = POLICY,
    observer: Observer | None = None,
    governance: Governance | None = None,
    label_sample_key: bytes | None = None,
    wire: Wire = JSON,
) -> ScorerStage:
    return ScorerStage(
        log(),
        subjects,
        governance or Ungoverned(),
        policy,
        CLOCK,
        observer=observer,
        label_sample_key=label_sample_key,
        wire=wire,
    )


async def run(
    subjects: Subjects, records: Sequence[Record], cuts: Iterable[int] = (), observer: Observer | None = None
) -> list[Outgoing]:
    """Drive a fresh stage over all `records`, cut into batches before the indices `cuts`; return the outputs."""
    scorer, outputs = stage(subjects, observer=observer), list[Outgoing]()
    await scorer.opened(SOURCE, 0, LogHistory(records, 0))
    bounds = sorted({0, len(records), *(cut for cut in cuts if cut < len(records))})
    for first, end in pairwise(bounds):
        outputs += written(await scorer.step(batch(records[first:end], after(records[:first])), None), SOURCE, "scorer")
    await scorer.step(batch([], after(records)), None)  # the last batch was committed
    return seen_by_others(outputs)


def after(records: Sequence[Record]) -> int:
    """The position after the last of `records`."""
    return records[-1].offset + 1 if records else 0


def seen_by_others(outputs: Iterable[Outgoing]) -> list[Outgoing]:
    """Without what the scorer keeps for itself, one record a batch and subject: that depends on how batches are cut."""
    return [each for each in outputs if each.topic != SUBJECTS]


async def kept(subjects: Subjects, position: int, *keys: bytes) -> list[SubjectState]:
    """The states of subjects as a batch at `position` finds them."""
    found = await subjects.exchange(SOURCE, position, None, keys)
    return [found.get(key, NOTHING) for key in keys]


def on(topic: str, outputs: Iterable[Outgoing]) -> list[bytes]:
    return [out.value or b"" for out in outputs if out.topic == topic]


def verdicts(outputs: Iterable[Outgoing]) -> list[Verdict]:
    return [VERDICT.decode(value) for value in on(VERDICTS, outputs)]
