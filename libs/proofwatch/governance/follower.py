"""Keeps a replica as new as the log, and says up to which log time it surely knows everything."""

import asyncio
from collections.abc import Sequence
from typing import Final

import structlog

from proofwatch.bus.errors import BusUnavailable
from proofwatch.bus.port import Bus, Tail
from proofwatch.bus.records import TopicPartition
from proofwatch.governance.replica import Replica
from proofwatch.runtime.clock import Clock
from proofwatch.runtime.conditions import Condition

_log = structlog.get_logger(__name__)

DEFAULT_SKEW_MS: Final = 5_000
_LOOK_S: Final = 5.0
_START_S: Final = 60.0


class ReplicaBehind(Exception):
    """What governs a record of this log time may not be known yet: pause, and try again."""


class Follower:
    """A part of the service (`runtime.service.Part`) that reads the topics of its replica.

    After a look that began at clock time t and reached the ends, every record that was appended by then is folded.
    What is appended later takes effect the lead time later at the earliest. So everything is known up to
    t + lead − skew: `skew_ms` is how far the brokers' clocks may run behind ours.
    """

    def __init__(
        self, bus: Bus, replica: Replica, clock: Clock, *, every_s: float = 1.0, skew_ms: int = DEFAULT_SKEW_MS
    ) -> None:
        """`every_s`: seconds between two looks. Raises ValueError when the lead is used up by skew and looks."""
        if replica.lead_ms <= skew_ms + every_s * 1000:
            msg = (
                f"a lead of {replica.lead_ms} ms leaves nothing after {skew_ms} ms of skew and a look every {every_s} s"
            )
            raise ValueError(msg)
        self.replica = replica
        self.known_until_ms: int | None = None
        """Everything that governs records before this log time is known; None: nothing has been read."""
        self._bus = bus
        self._clock = clock
        self._every_s = every_s
        self._ahead_ms = replica.lead_ms - skew_ms
        self._tail: Tail | None = None
        self._behind: Sequence[tuple[TopicPartition, int]] = ()
        self._told: set[tuple[str, int, str]] = set()
        self._away = Condition(_log, "governance_unavailable")
        self._stopped = asyncio.Event()

    async def start(self) -> None:
        """Read everything. Raises `BusUnavailable`, `UnknownTopic`, `ReplicaBehind`."""
        self._tail = tail = await self._connected()
        await self._look(tail, _START_S)
        if self.known_until_ms is None:
            raise ReplicaBehind(
                f"a transaction on the topics of governance is open for {_START_S:g} s: {self._topics()}"
            )

    async def _connected(self) -> Tail:
        """Return the tail, begun; a broker that is starting or busy gets as long as the first look."""
        loop = asyncio.get_running_loop()
        give_up = loop.time() + _START_S
        while True:
            tail = self._bus.tail(self.replica.topics)
            try:
                await tail.start()
            except BusUnavailable as error:
                if loop.time() > give_up:
                    raise
                self._away.holds(reason=str(error))
                await asyncio.sleep(self._every_s)
            else:
                return tail

    async def step(self, *, idle: bool = False) -> int:
        """Take what has come; return how many records. Raises `BusUnavailable`."""
        return await self._look(self._started(), _LOOK_S)

    async def run(self) -> None:
        """Look again and again until `stop`; raises when a position is no longer in the log."""
        while not self._stopped.is_set():
            try:
                await self._look(self._started(), _LOOK_S)
            except BusUnavailable as error:
                self._away.holds(reason=str(error))
            else:
                self._away.clears()
            try:
                async with asyncio.timeout(self._every_s):
                    await self._stopped.wait()
            except TimeoutError:
                continue

    async def stop(self) -> None:
        """Disconnect; idempotent."""
        self._stopped.set()
        self.known_until_ms = None
        tail, self._tail = self._tail, None
        if tail:
            await tail.stop()

    def unready(self) -> Sequence[str]:
        """Return why records that are appended now may not be judged; empty: they may."""
        if self.known_until_ms is None:
            return [f"governance is not read yet: {self._topics()}"]
        behind_ms = self._clock.now_ms() - self.known_until_ms
        return [f"governance is {behind_ms / 1000:.1f} s behind: {self._topics()}"] if behind_ms >= 0 else []

    def require(self, log_ms: int) -> None:
        """Raise `ReplicaBehind` unless everything that governs a record at `log_ms` is known."""
        if self.known_until_ms is None or log_ms >= self.known_until_ms:
            known = "nothing is known" if self.known_until_ms is None else f"known up to {self.known_until_ms}"
            raise ReplicaBehind(f"what governs log time {log_ms} may not be known yet ({known}): {self._topics()}")

    async def _look(self, tail: Tail, timeout_s: float) -> int:
        began_ms = self._clock.now_ms()
        records, complete = await tail.catch_up(timeout_s)
        self._behind = tail.behind
        for at, record in records:
            self.replica.apply(at.topic, record)
        if complete:
            self.known_until_ms = max(began_ms + self._ahead_ms, self.known_until_ms or 0)
        if records:
            self._tell()
        return len(records)

    def _tell(self) -> None:
        for refusal in self.replica.refusals:
            if (refusal.topic, refusal.offset, refusal.reason) not in self._told:
                self._told.add((refusal.topic, refusal.offset, refusal.reason))
                _log.warning(
                    "governance_refused",
                    topic=refusal.topic,
                    offset=refusal.offset,
                    reason=refusal.reason,
                    message=refusal.message,
                )

    def _started(self) -> Tail:
        if self._tail is None:
            msg = "the follower is not started"
            raise RuntimeError(msg)
        return self._tail

    def _topics(self) -> str:
        """Name the topics, or the places where a transaction is open."""
        if self._behind:
            places = ", ".join(f"{at.topic}/{at.partition} from offset {offset} on" for at, offset in self._behind)
            return (
                f"a transaction is open, or its producer hangs, in {places} (`kafka-transactions.sh "
                f"describe-producers` says whose it is; `… abort --start-offset` ends it)"
            )
        return ", ".join(self.replica.topics)
