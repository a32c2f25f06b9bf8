"""The sender: delivers what is pending, at least once, each time under the same id.

A notification is claimed for a while, sent, and then marked. A sender that dies in between leaves it to be claimed
again when the claim runs out; the receiver drops the repeat by its id.
"""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Final

import structlog

from proofwatch.bus.polling import Polling
from proofwatch.bus.wrappers.observed import Observer, Sample
from proofwatch.runtime.clock import Clock
from proofwatch.runtime.metric_catalogue import NOTIFICATIONS, NOTIFICATIONS_PENDING
from services.notifier.core.delivery import Failed, Next, RetryPolicy, after_attempt
from services.notifier.ports import Channel, Claimed, SendQueue

CLAIM_MS: Final = 120_000  # longer than a batch can take: two rounds of 16 requests, each at most 30 s
_BATCH: Final = 32
_FORGOTTEN: Final = 1_000
_TIDY_MS: Final = 3_600_000
_DRAIN_S: Final = 5.0

_log = structlog.get_logger(__name__)


class Sender:
    """A part of the service. Any number of senders may work on one queue."""

    def __init__(
        self,
        queue: SendQueue,
        channels: Mapping[str, Channel],
        clock: Clock,
        retry: RetryPolicy,
        poll_s: float,
        keep_ms: int = 0,
    ) -> None:
        """`poll_s`: seconds between two looks at the queue; `keep_ms`: how long what is settled stays, 0: for ever."""
        self._keep_ms = keep_ms
        self._tidy_at_ms = 0
        self._queue = queue
        self._channels = channels
        self._clock = clock
        self._retry = retry
        self._polling = Polling(poll_s)
        self._in_hand = asyncio.Lock()
        self._observer: Observer | None = None

    def observe(self, observer: Observer) -> None:
        """Let `observer` be told of every attempt."""
        self._observer = observer

    async def sample(self) -> Sequence[Sample]:
        """Look up what waits to be sent, by channel; raises what the queue raises."""
        pending = {**dict.fromkeys(self._channels, 0), **await self._queue.pending()}
        return [Sample(NOTIFICATIONS_PENDING.name, (channel,), count) for channel, count in pending.items()]

    async def start(self) -> None:
        """Nothing to acquire: the channels connect when they deliver."""
        self._polling.start()

    async def step(self, *, idle: bool = False) -> int:
        """Send all that is due now; return how many attempts were made."""
        attempts = 0
        while not self._polling.stopping.is_set():
            async with self._in_hand:
                now_ms = self._clock.now_ms()
                claimed = await self._queue.claim(now_ms, now_ms + CLAIM_MS, _BATCH)
                if not claimed:
                    break
                outcomes = await asyncio.gather(*(self._attempt(each, now_ms) for each in claimed))
                await self._queue.settle(outcomes)
            attempts += len(claimed)
        await self._tidy()
        return attempts

    async def _tidy(self) -> None:
        """Once an hour remove what was settled long ago, a bounded number at a time."""
        now_ms = self._clock.now_ms()
        if not self._keep_ms or now_ms < self._tidy_at_ms:
            return
        removed = await self._queue.forget(now_ms - self._keep_ms, _FORGOTTEN)
        self._tidy_at_ms = now_ms + (0 if removed == _FORGOTTEN else _TIDY_MS)
        if removed:
            _log.info("notifications_removed", rows=removed)

    async def run(self) -> None:
        """Look for what is due until `stop`; a database that is away is waited for."""
        await self._polling.run(self.step)

    async def stop(self) -> None:
        """Claim nothing more, give what is in hand 5 s, close the channels; the rest is sent again by somebody."""
        self._polling.stop()
        with suppress(TimeoutError):
            async with asyncio.timeout(_DRAIN_S):
                await self._in_hand.acquire()
            self._in_hand.release()
        for channel in self._channels.values():
            await channel.close()

    def unready(self) -> Sequence[str]:
        """Return that the queue could not be read; empty: it could."""
        return self._polling.unready("the sender does not run: notifications wait to be sent")

    async def _attempt(self, claimed: Claimed, now_ms: int) -> tuple[str, Next]:
        notification = claimed.notification
        channel = self._channels.get(notification.channel)
        # A channel may be gone from the routes while notifications to it are pending.
        outcome = await channel.deliver(notification, now_ms) if channel else Failed("the channel is not configured")
        after = after_attempt(notification.notification_id, claimed.attempts, outcome, now_ms, self._retry)
        if self._observer:
            said = "retried" if after.status == "pending" else after.status
            self._observer.counted(NOTIFICATIONS.name, notification.channel, said)
        if after.status != "sent":
            report = _log.error if after.status == "failed" else _log.warning
            report(
                "notification_failed" if after.status == "failed" else "notification_retried",
                notification_id=notification.notification_id,
                channel=notification.channel,
                source_topic=notification.source_topic,
                source_id=notification.source_id,
                attempts=after.attempts,
                reason=after.reason,
            )
        return notification.notification_id, after
