"""Verdicts for the aggregator's tests, and what their windows must hold, counted directly."""

import random
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta

from proofwatch.bus.partitioner import partition_of
from proofwatch.bus.records import Outgoing
from proofwatch.events import topics
from proofwatch.events.codec import VERDICT
from proofwatch.events.types import Attempts, Basis, Device, Timings, Verdict
from services.aggregator.core.lengths import LENGTHS_S

START = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)  # a Monday
POLICY_HASHES = ("a" * 32, "b" * 32)

WindowKey = tuple[str, str | None, str | None, int, int]
"""Tenant, segment name and value, length in seconds, start in milliseconds."""


def verdict(
    number: int,
    occurred_at: datetime,
    *,
    tenant: str = "bank",
    failed: bool = False,
    policy_hash: str = POLICY_HASHES[0],
    os: str = "ios",
    score: float = 0.97,
) -> Verdict:
    """Return one verdict: accepted, or sent back for its liveness."""
    return Verdict(
        schema_version=1,
        tenant=tenant,
        transaction_id=f"t-{number}",
        subject_ref=f"s-{number}",
        occurred_at=occurred_at,
        decision="retry" if failed else "accept",
        action="retake_selfie" if failed else "none",
        reasons=("liveness_below_threshold",) if failed else (),
        match_outcome="pass",
        liveness_outcome="fail" if failed else "pass",
        match_score=score,
        liveness_score=0.9 if failed else 0.999,
        basis=Basis(
            policy_hash=policy_hash,
            controls_version=0,
            patterns_version=0,
            match_threshold=0.85 if policy_hash == POLICY_HASHES[0] else 0.8612,
            liveness_threshold=0.995,
            attempts_before=Attempts(match=0, liveness=0),
        ),
        device=Device(os=os),
        timings=Timings(capture_ms=1800.123 + number, upload_ms=300.5),
    )


def traffic(count: int, seed: int, *, minutes: int = 30, tenants: int = 3) -> list[Verdict]:
    """Return verdicts in the order in which they happened, spread over `minutes`."""
    chance = random.Random(seed)
    moments = sorted(chance.uniform(0, minutes * 60) for _ in range(count))
    return [
        verdict(
            number,
            START + timedelta(seconds=moment),
            tenant=f"tenant-{chance.randrange(tenants)}",
            failed=chance.random() < 0.1,
            policy_hash=POLICY_HASHES[moment > minutes * 30],
            os=chance.choice(("ios", "android")),
            score=round(chance.uniform(0.85, 1), 4),
        )
        for number, moment in enumerate(moments)
    ]


def records(verdicts: Iterable[Verdict], partitions: int) -> Iterator[Outgoing]:
    """Yield the verdicts as the scorer publishes them, at the time at which they happened."""
    for each in verdicts:
        key = f"{each.tenant}/{each.subject_ref}".encode()
        at_ms = round(each.occurred_at.timestamp() * 1000)
        yield Outgoing(topics.VERDICTS, key, VERDICT.encode(each), partition_of(key, partitions), at_ms)


def expected(verdicts: Iterable[Verdict], lengths_s: Iterable[int] = LENGTHS_S) -> dict[WindowKey, Counter[str]]:
    """Count some counters of every window without any of the aggregator's code."""
    windows: defaultdict[WindowKey, Counter[str]] = defaultdict(Counter)
    for each in verdicts:
        at_ms = int(each.occurred_at.timestamp() * 1000)
        assert each.device
        for name, value in ((None, None), ("os", each.device.os)):
            for length_s in lengths_s:
                start_ms = at_ms // (length_s * 1000) * length_s * 1000
                counts = windows[each.tenant, name, value, length_s, start_ms]
                counts["transactions"] += 1
                counts[f"decision.{each.decision}"] += 1
                counts[f"liveness.{each.liveness_outcome}"] += 1
    return dict(windows)
