"""The events that every contender gets: valid transactions of exactly 536 bytes, of which 3 % fail a check.

Event `i` is a function of `i` alone, so that a run can be made again byte for byte.
"""

import random
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Final, NamedTuple

from proofwatch.bus.partitioner import partition_of
from proofwatch.events.codec import TRANSACTION
from proofwatch.events.types import Device, Timings, Transaction

BYTES: Final = 536
SUBJECTS: Final = 50_000
PARTITIONS: Final = 4
TENANTS: Final = ("meridian-bank",)

_PERIOD: Final = 100_003  # a prime: which events fail has nothing to do with whose they are
_MATCH_FAILS, _LIVENESS_FAILS = 0.02, 0.01
_SPACING: Final = timedelta(milliseconds=10)
"""Event time between two events: a subject comes too rarely for the default policy's velocity rules."""

_DEVICE: Final = Device(ref="dev-91be44d07a", model="SM-G991B", os="android", os_version="16", sdk_version="4.2.1")
_TIMINGS: Final = Timings(capture_ms=1820.5, upload_ms=311.25, match_ms=41.5, liveness_ms=63.75)
_SEGMENTS: Final = {"age_band": "25-34", "country": "IN", "sex": "female"}
_IMAGERY: Final = "s3://meridian-onboarding/2026/11/21/proof-"


class Event(NamedTuple):
    """One input record: its key, its partition among `PARTITIONS`, and its bytes."""

    key: bytes
    partition: int
    value: bytes


class _Scores(NamedTuple):
    match: float
    liveness: float


def scores_of(number: int) -> tuple[float, float]:
    """Return the match and the liveness score of event `number`."""
    return _scores()[number % _PERIOD]


def failing(first: int, last: int) -> int:
    """Return how many of the events `first` … `last` − 1 fail a check."""
    passes = [scores.match > 0.85 and scores.liveness > 0.995 for scores in _scores()]
    return sum(not passes[number % _PERIOD] for number in range(first, last))


def transaction_id(number: int) -> str:
    """Return the transaction id of event `number`."""
    return f"tx-{number:012d}"


def number_in(value: bytes) -> int:
    """Return the number of the event that a transaction or verdict stands for."""
    at = value.index(b'"tx-') + 4
    return int(value[at : at + 12])


def tenants(count: int) -> tuple[str, ...]:
    """Return the names of so many tenants, all of one length."""
    return tuple(f"tenant-{number:06d}" for number in range(count))


def events(first: int, last: int, start: datetime, names: Sequence[str] = TENANTS) -> Iterator[Event]:
    """Yield the events `first` … `last` − 1; event 0 occurred at `start`, tenants take turns."""
    scores, begin = _scores(), start.replace(microsecond=123)  # never whole seconds: their text would be shorter
    for number in range(first, last):
        tenant = names[number % len(names)]
        subject = number * 7919 % SUBJECTS  # coprime: all subjects before any comes again
        yield _event(number, tenant, f"sub-{subject:08d}", begin + number * _SPACING, *scores[number % _PERIOD])


def start_for(count: int) -> datetime:
    """Return when event 0 occurred if the last of `count` occurs about now, so that none is from the future."""
    return datetime.now(UTC) - count * _SPACING


def _event(number: int, tenant: str, subject: str, occurred_at: datetime, match: float, liveness: float) -> Event:
    padding = _padding(len(tenant))
    transaction = Transaction(
        schema_version=1,
        tenant=tenant,
        transaction_id=transaction_id(number),
        subject_ref=subject,
        occurred_at=occurred_at,
        match_score=match,
        liveness_score=liveness,
        device=_DEVICE,
        timings=_TIMINGS,
        segments=_SEGMENTS,
        imagery_ref=f"{_IMAGERY}{number:012d}{padding}",
    )
    partition, key = _place(tenant, subject)
    return Event(key, partition, TRANSACTION.encode(transaction))


@cache
def _padding(tenant_length: int) -> str:
    """Return what fills an event up to `BYTES`: every other field has a fixed width."""
    bare = Transaction(
        schema_version=1,
        tenant="t" * tenant_length,
        transaction_id=transaction_id(0),
        subject_ref="sub-00000000",
        occurred_at=datetime(2026, 1, 1, 0, 0, 0, 123, tzinfo=UTC),
        match_score=0.91234,
        liveness_score=0.99912,
        device=_DEVICE,
        timings=_TIMINGS,
        segments=_SEGMENTS,
        imagery_ref=f"{_IMAGERY}{0:012d}",
    )
    missing = BYTES - len(TRANSACTION.encode(bare))
    assert missing >= 0, f"the bare event is {-missing} bytes too long"
    return "x" * missing


@cache
def _place(tenant: str, subject: str) -> tuple[int, bytes]:
    key = f"{tenant}/{subject}".encode()
    return partition_of(key, PARTITIONS), key


@cache
def _scores() -> tuple[_Scores, ...]:
    """Return the scores of one period; each has five decimals that do not end in a zero."""
    draw, fate = random.Random(536), random.Random(3)
    scores = []
    for _ in range(_PERIOD):
        fails = fate.random()
        match = _five(draw, 0.70, 0.84) if fails < _MATCH_FAILS else _five(draw, 0.86, 0.99)
        low = _MATCH_FAILS <= fails < _MATCH_FAILS + _LIVENESS_FAILS
        scores.append(_Scores(match, _five(draw, 0.90, 0.98) if low else _five(draw, 0.996, 0.999)))
    return tuple(scores)


def _five(draw: random.Random, low: float, high: float) -> float:
    return (draw.randrange(int(low * 10_000), int(high * 10_000)) * 10 + draw.randint(1, 9)) / 100_000
