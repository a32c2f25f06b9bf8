"""How a lane works: sizes and times."""

from dataclasses import dataclass
from typing import Final, Self

from proofwatch.bus.dead_letters.cap import Cap
from proofwatch.bus.wrappers.timely import AHEAD_MS
from proofwatch.runtime.settings import Settings

IDLE_S: Final = 1.0
IDLE_LONG_S: Final = 5.0
"""Where nothing waits for an idle batch, or only a day that is to close: each costs a look at the broker, and some of
them a transaction of the database."""


@dataclass(frozen=True)
class LaneSettings:
    """How a lane works.

    max_records: at most so many records in a batch, hence in a transaction.
    span_ms: a batch of more than `span_least` records ends with the time of its first one and so many milliseconds;
        0: time does not end it.
    max_bytes: at most so many bytes of values in a batch of several records; 0: size does not end it.
    idle_s: after so many seconds without records the stage gets an idle batch.
    linger_s: begin a batch at least so many seconds after the one before began, unless that one was full: where every
        batch costs the stages after it something, however small it is. 0: at once. Only when the lane runs by itself.
    linger_enough: where so many records come sooner they are enough, down to 0.4 of `linger_s`; 0: no number is.
    step_timeout_s: cap in seconds on opening, and on a transaction since its step last said that it goes on
        (`bus.patience`); below the broker's transaction timeout. Only when the lane runs by itself.
    drain_s: seconds given to the transaction in hand when the partition is revoked.
    stuck_s: seconds without any success after which `run` raises `Stuck`.
    heartbeat_s: the group's heartbeat interval in seconds; a fenced lane waits three of them.
    live_progress: let time progress follow the clock while nothing arrives. False for replay and for topics whose
        timestamps are event times: then progress comes from records alone.
    ahead_ms: a timestamp further ahead of the clock is believed by nobody (`wrappers.timely`).
    skip_lost: begin at the earliest record that is left when retention has removed the committed position; False
        refuses with `Gap`, so that no loss goes unseen.
    cap: dead letters beyond it halt the worker; None: it goes on whatever comes.
    """

    max_records: int = 2000
    span_ms: int = 0
    span_least: int = 1
    max_bytes: int = 0
    idle_s: float = IDLE_S
    linger_s: float = 0.0
    linger_enough: int = 0
    step_timeout_s: float = 15.0
    drain_s: float = 5.0
    stuck_s: float = 90.0
    heartbeat_s: float = 1.0
    live_progress: bool = True
    ahead_ms: int = AHEAD_MS
    skip_lost: bool = False
    cap: Cap | None = None

    @classmethod
    def of(cls, settings: Settings, max_records: int | None = None, *, idle_s: float = IDLE_S) -> Self:
        """Return what the process's settings say; `max_records` caps the batch where a stage needs smaller ones.

        `idle_s`: where they say nothing of it.
        """
        by_tenant = settings.dead_letter_cap_scope == "tenant"
        cap = Cap(settings.dead_letter_rate_cap, settings.dead_letter_run_cap, by_tenant)
        return cls(
            max_records=min(settings.batch_max_records, max_records or settings.batch_max_records),
            idle_s=idle_s if settings.idle_seconds is None else settings.idle_seconds,
            live_progress=settings.live_progress,
            ahead_ms=settings.time_ahead_seconds * 1000,
            cap=cap if cap.rate or cap.run else None,
        )
