"""One policy playing a log: every transaction through the product's own decision, with memories of its own.

Memories forget by the time of each single transaction, never by batches, so that what is said depends on the log alone.
"""

from dataclasses import dataclass
from functools import cache
from typing import Final, Generic, Protocol, TypeVar

from proofwatch.events.types import Attempts
from proofwatch.governance.policy import Policy
from services.scorer.backtest.arrivals import Arrival
from services.scorer.core import attempts
from services.scorer.core.compiled_policy import CompiledPolicy
from services.scorer.core.duplicates import Recent, Seen
from services.scorer.core.judging import judge_with_history
from services.scorer.core.rules import LIVENESS_FAILED, MATCH_FAILED, Judgement, judge
from services.scorer.core.times import occurred_ms as occurred_ms_of

LAG_MS: Final = 24 * 3_600_000
"""How long after it occurred a transaction may come and still find all its subject's attempts."""

_NONE: Final = attempts.CLEAN.failures
K = TypeVar("K")
V = TypeVar("V")


@dataclass(frozen=True, slots=True, eq=False)
class Ruling:
    """What a policy rules about a transaction; an outcome is not_requested where the check was not judged.

    There is one object for each ruling that can be, so that they compare and hash by identity.
    """

    decision: str
    action: str
    match_outcome: str
    liveness_outcome: str


DEDUPLICATED: Final = Ruling("deduplicated", "none", "not_requested", "not_requested")
CONFLICT: Final = Ruling("refused", "conflicting_duplicate", "not_requested", "not_requested")
AHEAD: Final = Ruling("refused", "time_ahead", "not_requested", "not_requested")
RULED: Final = frozenset({"accept", "retry", "refer"})


@cache
def ruling_of(judgement: Judgement) -> Ruling:
    """Return the ruling that a judgement is."""
    return _ruling(judgement.decision, judgement.action, judgement.match_outcome, judgement.liveness_outcome)


_ruling = cache(Ruling)


class Player(Protocol):
    """A policy at play; arrivals of one partition in log order."""

    def rule(self, arrival: Arrival, occurred_ms: float) -> Ruling:
        """Return what the policy rules; `occurred_ms` is the event's occurred_at."""
        ...

    def forget(self) -> None:
        """Forget everything: another partition begins."""
        ...


class Counting:
    """A policy that counts attempts itself, in memory, and tells duplicates."""

    def __init__(self, policy: Policy, repeats: "Repeats | None" = None) -> None:
        """`repeats`: shared with another policy that takes the same transactions, or None for one's own."""
        self._compiled = CompiledPolicy.of(policy)
        self.repeats = repeats or Repeats(self._compiled.horizon_ms)
        self.forget()

    def forget(self) -> None:
        """Forget everything: another partition begins."""
        compiled = self._compiled
        self._histories = Fading[str, attempts.History](compiled.window_ms + LAG_MS)
        self.repeats.forget()

    def rule(self, arrival: Arrival, occurred_ms: float) -> Ruling:
        """Return what the policy rules, and remember the transaction."""
        compiled, event, timestamp_ms = self._compiled, arrival.event, arrival.timestamp_ms
        if occurred_ms > timestamp_ms + compiled.ahead_ms:
            return AHEAD
        if compiled.horizon_ms:
            seen = self.repeats.see(arrival)
            if seen is Seen.REPEATED or seen is Seen.CONFLICTING:
                return DEDUPLICATED if seen is Seen.REPEATED else CONFLICT
        history = self._histories.get(timestamp_ms, arrival.key)
        if history is None:
            judgement = judge(event, compiled, _NONE)
            if not judgement.failed:
                return ruling_of(judgement)
        judged = judge_with_history(event, arrival.offset, history or (), compiled)
        if judged.history is not history:
            self._histories.put(arrival.key, attempts.settled(judged.history, arrival.offset + 1) or None)
        return ruling_of(judged.judgement)


class Repeats:
    """The transactions that came within a horizon of log time, told apart as the scorer tells them."""

    def __init__(self, horizon_ms: int) -> None:
        self._horizon_ms = horizon_ms
        self.forget()

    def forget(self) -> None:
        """Forget everything: another partition begins."""
        self._recent = Recent(self._horizon_ms)
        self._last: Arrival | None = None
        self._answer = Seen.FIRST

    def see(self, arrival: Arrival) -> Seen:
        """Return what the arrival is to its transaction, and remember it; asked again, answer the same."""
        if arrival is self._last:
            return self._answer
        event, timestamp_ms = arrival.event, arrival.timestamp_ms
        self._recent.begin(arrival.offset, timestamp_ms)
        self._last = arrival
        self._answer = self._recent.see(
            timestamp_ms,
            occurred_ms_of(event),
            event.tenant,
            event.transaction_id,
            event.attempt_id,
            arrival.key.encode(),
            arrival.value,
            self._horizon_ms,
        )
        return self._answer


class Recorded:
    """A policy over a source that knows no subjects: failures before are read off the decision that was made.

    Who was referred had failures that persisted, of the check that failed (of both, when both did); everyone else is
    taken to fail for the first time. So a transaction that fails under this policy alone is asked to retry, though it
    might be the last of several failures: referrals are a lower bound there.
    """

    def __init__(self, policy: Policy) -> None:
        self._compiled = CompiledPolicy.of(policy)
        last = policy.attempts.limit - 1
        self._persisting = {
            failed: Attempts(match=last * bool(failed & MATCH_FAILED), liveness=last * bool(failed & LIVENESS_FAILED))
            for failed in range(4)
        }

    def forget(self) -> None:
        """Nothing is remembered."""

    def rule(self, arrival: Arrival, occurred_ms: float) -> Ruling:
        """Return what the policy rules."""
        judgement = judge(arrival.event, self._compiled, _NONE)
        if judgement.failed and arrival.recorded == "refer":
            judgement = judge(arrival.event, self._compiled, self._persisting[judgement.failed])
        return ruling_of(judgement)


def counting(old: Policy, new: Policy) -> tuple[Counting, Counting]:
    """Return both policies at play; they share the memory of repeats where they take the same transactions."""
    first = Counting(old)
    if (
        old.max_ahead_seconds == new.max_ahead_seconds
        and old.duplicate_horizon_minutes == new.duplicate_horizon_minutes
    ):
        return first, Counting(new, first.repeats)
    return first, Counting(new)


class Fading(Generic[K, V]):
    """A map whose entries are kept for at least `kept_ms` of log time after they were put, and at most twice that.

    Two generations: to forget is to drop the older one.
    """

    __slots__ = ("_kept_ms", "_old", "_turn_ms", "_young")

    def __init__(self, kept_ms: int) -> None:
        self._kept_ms = kept_ms
        self._turn_ms: int | None = None
        self._young: dict[K, V | None] = {}
        self._old: dict[K, V | None] = {}

    def __len__(self) -> int:
        """Return how many entries are held; one that stands in both generations counts twice."""
        return len(self._young) + len(self._old)

    def get(self, now_ms: int, key: K) -> V | None:
        """Return the entry, None if there is none."""
        if self._turn_ms is None or now_ms >= self._turn_ms:
            self._age(now_ms)
        value = self._young.get(key)
        if value is None and self._old and key not in self._young:
            return self._old.get(key)
        return value

    def put(self, key: K, value: V | None) -> None:
        """Set the entry; None removes it."""
        if value is not None or key in self._old:
            self._young[key] = value
        else:
            self._young.pop(key, None)

    def _age(self, now_ms: int) -> None:
        if self._turn_ms is None or now_ms >= self._turn_ms + self._kept_ms:
            self._old, self._turn_ms = {}, now_ms + self._kept_ms
        else:
            self._old, self._turn_ms = self._young, self._turn_ms + self._kept_ms
        self._young = {}
