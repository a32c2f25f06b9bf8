"""When a delivery is tried again, and when it is given up."""

import hashlib
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple

Status = Literal["pending", "sent", "failed"]
_MAX_REASON: Final = 200
_LONGEST_WAIT_S: Final = 86_400.0
"""A receiver that asks for more is tried all the same after a day."""


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """The n-th failure waits base × 2^(n−1) seconds, at most `cap_s`, less up to half of it as jitter."""

    base_s: float = 5.0
    cap_s: float = 3600.0
    attempts: int = 20


class Delivered(NamedTuple):
    """The channel took it."""


class Failed(NamedTuple):
    """The channel did not take it; `reason` names no URL, no secret and nothing the receiver said."""

    reason: str
    for_good: bool = False
    """Whether to try again is of no use: the receiver will never take it."""
    wait_s: float = 0.0
    """How long the receiver asked to be left alone, in seconds."""


Outcome = Delivered | Failed


class Next(NamedTuple):
    """What becomes of a notification after an attempt; `at_ms` (Unix epoch): when it is due again, or was settled."""

    status: Status
    attempts: int
    at_ms: int
    reason: str | None


def after_attempt(notification_id: str, attempts: int, outcome: Outcome, now_ms: int, policy: RetryPolicy) -> Next:
    """Return what follows from the outcome; `attempts` counts those before this one."""
    attempts += 1
    if isinstance(outcome, Delivered):
        return Next("sent", attempts, now_ms, None)
    reason = outcome.reason[:_MAX_REASON]
    if outcome.for_good or attempts >= policy.attempts:
        return Next("failed", attempts, now_ms, reason)
    wait_s = max(delay_s(notification_id, attempts, policy), min(outcome.wait_s, _LONGEST_WAIT_S))
    return Next("pending", attempts, now_ms + round(1000 * wait_s), reason)


def delay_s(notification_id: str, failures: int, policy: RetryPolicy) -> float:
    """Return the seconds to wait after so many failures.

    The jitter comes from the notification's id: deterministic, yet a crowd of failed ones does not return at once.
    """
    full = min(policy.base_s * 2.0 ** min(failures - 1, 64), policy.cap_s)
    digest = hashlib.sha256(f"{notification_id}/{failures}".encode()).digest()
    return full * (1 - int.from_bytes(digest[:4]) / 2**33)
