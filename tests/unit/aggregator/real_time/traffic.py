"""Minutes of an invented tenant."""

import random
from collections.abc import Iterable, Iterator, Sequence
from math import exp, pi, sin

from proofwatch.governance.tenant_days import UTC_DAYS, TenantDays
from services.aggregator.core.governed_markers import GovernedMarker
from services.aggregator.core.real_time import DETECTORS
from services.aggregator.core.real_time.findings import Published, publish
from services.aggregator.core.real_time.minute import Minute, Scores
from services.aggregator.core.real_time.tenant import MinuteWatch, TenantState

MINUTE = 60_000
HOUR = 60 * MINUTE
DAY = 24 * HOUR
MONDAY = 4 * DAY  # 1970-01-05


def scores(
    judged: int, failed: int = 0, missing: int = 0, at_one: int = 0, at_zero: int = 0, alike: float = 0.05
) -> Scores:
    """Return the scores of a minute, with the share `alike` of their pairs in one bin."""
    pairs = judged * (judged - 1)
    return Scores(judged, failed, missing, at_zero, at_one, pairs, round(alike * pairs))


def minute(at_ms: int, n: int = 20, failed: int = 0, **liveness: float) -> Minute:
    """Return a minute of n transactions, of which so many fail liveness; `liveness` as in `scores`."""
    more = {"failed": failed} | liveness
    judged = n - int(more.get("missing", 0))
    return Minute(at_ms, n, failed, scores(n, failed=n // 20), scores(judged, **more))  # type: ignore[arg-type]


def steady(from_ms: int, minutes: int, n: int = 20, every: int = 2) -> list[Minute]:
    """Return minutes of n transactions of which one fails every second minute (2.5 %)."""
    return [minute(from_ms + i * MINUTE, n, failed=int(i % every == 0)) for i in range(minutes)]


class Told:
    """A tenant's watch, and all it published."""

    def __init__(self, watch: MinuteWatch, days: TenantDays = UTC_DAYS, markers: Sequence[GovernedMarker] = ()) -> None:
        self.watch = watch
        self.markers = markers
        self.days = days
        self.state = TenantState()
        self.published: list[Published] = []

    def feed(self, minutes: Iterable[Minute]) -> "Told":
        """Close the minutes one after another."""
        for each in minutes:
            self.state, changes = self.watch.closed(self.state, each, self.days, self.markers)
            self._publish(changes)
        return self

    def pass_until(self, at_ms: int) -> "Told":
        """Let time pass without a minute, as far as something is due by then."""
        while (due := self.watch.due_ms(self.state, self.days)) is not None and due <= at_ms:
            self._publish(self.watch.absent(self.state, due, self.days))
        return self

    def _publish(self, changes: object) -> None:
        standing = self.watch.standing(self.state, self.days)
        self.state, found = publish("bank", self.state, changes, standing, DETECTORS)  # type: ignore[arg-type]
        self.published += found

    def said(self) -> list[tuple[str, str, str, str]]:
        """Return rule, metric, direction and state of each event that begins or ends; how far it comes is left out."""
        said: list[tuple[str, str, str, str]] = []
        firing: set[str] = set()
        for e in [each.event for each in self.published]:
            if e.state == "resolved" or e.anomaly_id not in firing:
                said.append((e.rule, e.metric, str(e.direction), e.state))
            (firing.add if e.state == "firing" else firing.discard)(e.anomaly_id)
        return said


def year_of(days: int, seed: int, per_hour: float = 1_000.0, rate: float = 0.01) -> Iterator[Minute]:
    """Yield the minutes of a tenant with a profile of hours and weekends of 40 %; retries cluster, hours differ."""
    rng = random.Random(seed)
    for day in range(days):
        weekend = 0.4 if day % 7 >= 5 else 1.0
        for hour in range(24):
            factor = 1.0 + 0.9 * sin(2 * pi * (hour - 8) / 24)
            worse = exp(rng.gauss(0.0, 0.1))
            mean = per_hour * weekend * factor * exp(rng.gauss(0.0, 0.1)) / 60
            for at in range(60):
                n = _poisson(rng, mean)
                if n:
                    at_ms = MONDAY + day * DAY + hour * HOUR + at * MINUTE
                    yield _noisy(rng, at_ms, n, rate * worse * (1.3 if hour < 6 else 1.0))


def _noisy(rng: random.Random, at_ms: int, n: int, rate: float) -> Minute:
    def failures() -> int:
        first = _poisson(rng, n * rate / 1.28)
        return min(n, sum(1 + (rng.random() < 0.28) for _ in range(first)))

    match, liveness, missing = failures(), failures(), min(n, _poisson(rng, n * rate / 2))
    judged = n - missing
    liveness = min(judged, liveness)
    alike = max(0.0, rng.gauss(0.05, 0.02)) if judged > 5 else 0.1
    at_one = _poisson(rng, judged * 0.02)
    told = scores(judged, failed=liveness, missing=missing, at_one=min(judged, at_one), alike=alike)
    return Minute(at_ms, n, min(n, match + liveness + missing), scores(n, failed=match), told)


def _poisson(rng: random.Random, mean: float) -> int:
    if mean > 50:
        return max(0, round(rng.gauss(mean, mean**0.5)))
    k, p, limit = 0, rng.random(), exp(-mean)
    while p > limit:
        k, p = k + 1, p * rng.random()
    return k
