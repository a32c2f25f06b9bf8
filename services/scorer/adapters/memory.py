"""Attempts in this process: standalone mode, and the tests' reference."""

from collections import OrderedDict
from collections.abc import Collection, Mapping
from typing import NamedTuple

from proofwatch.bus.port import Batch, TopicPartition
from services.scorer.core.attempts import History


class _Kept(NamedTuple):
    stamp: tuple[int, int]
    expires_ms: int
    history: History


class MemoryAttempts:
    """Implements `ports.Attempts`; histories go `ttl_s` seconds of lane time after they were last written."""

    def __init__(self, ttl_s: int) -> None:
        self._ttl_ms = ttl_s * 1000
        self._kept: dict[TopicPartition, OrderedDict[bytes, _Kept]] = {}

    async def load(self, source: TopicPartition, subjects: Collection[bytes]) -> dict[bytes, History]:
        """Return the histories of those `subjects` that have one."""
        kept = self._kept.get(source)
        return {key: kept[key].history for key in subjects if key in kept} if kept else {}

    async def save(self, batch: Batch, changes: Mapping[bytes, History]) -> None:
        """Replace these histories, except those written for a later batch."""
        kept = self._kept.setdefault(batch.source, OrderedDict())
        while kept and next(iter(kept.values())).expires_ms <= batch.now_ms:
            kept.popitem(last=False)
        stamp = (batch.position_before, batch.position_after)
        for key, history in changes.items():
            if key not in kept or kept[key].stamp <= stamp:
                kept[key] = _Kept(stamp, batch.now_ms + self._ttl_ms, history)
                kept.move_to_end(key)

    async def ping(self) -> None:
        """Always there."""

    async def close(self) -> None:
        """Keep everything: it lives as long as the process."""
