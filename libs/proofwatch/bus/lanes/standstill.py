"""Why a partition yields nothing although there may be something: no answers, or a transaction that is open."""

from collections.abc import Sequence
from typing import Final

from proofwatch.bus.port import Look
from proofwatch.bus.records import TopicPartition

SILENT_MS: Final = 5_000  # an idle broker answers every 2.5 s at least
_BLOCKED_S: Final = 10.0


class Standstill:
    """What is known of one partition of which the last look found nothing; `note` it whenever that is so."""

    def __init__(self, at: TopicPartition) -> None:
        self._at = at
        self._open_from: tuple[int, float] | None = None  # where a transaction is open, and since when we see it

    def note(self, look: Look | None, now_s: float) -> None:
        """Note since when the same open transaction keeps us from reading on. `look` None: nothing does, or unknown."""
        if look is None or not look.open:
            self._open_from = None
        elif self._open_from is None or self._open_from[0] != look.stable:
            self._open_from = look.stable, now_s

    def blocked_s(self, now_s: float) -> float:
        """Return for how many seconds an open transaction was seen to keep us from reading on; 0: none does."""
        return now_s - self._open_from[1] if self._open_from else 0.0

    def why(self, look: Look | None, now_s: float) -> Sequence[str]:
        """Return the sentence for an operator; empty: there is nothing to read, or it is not known yet."""
        topic, partition = self._at
        where = f"{topic}/{partition}"
        if look is None:
            return []
        if look.ago_ms > SILENT_MS:
            return [f"{where}: the broker has not answered for {look.ago_ms // 1000} s"]
        if self.blocked_s(now_s) < _BLOCKED_S:
            return []
        said = (
            f"{where}: a transaction is open at offset {look.stable} for {self.blocked_s(now_s):.0f} s or longer, and "
            f"the {look.high_watermark - look.stable} offsets from there on cannot be read; Kafka ends it after its "
            f"producer's transaction.timeout.ms. `kafka-transactions.sh describe-producers --topic {topic} --partition "
            f"{partition}` says whose it is, `… abort --topic {topic} --partition {partition} --start-offset "
            f"{look.stable}` ends it"
        )
        return [said]
