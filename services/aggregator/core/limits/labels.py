"""Labels that stop coming, or come in far smaller or greater number: every rate that needs truth is blind then.

Labels are counted by when they were logged, whatever they are about: a day is what lies between two closings of
labelled days. It is judged at its end, like everything else here, so what is told is a function of the log. What is
usual for a tenant is its own rhythm (`limits.rhythm`).
"""

from collections.abc import Iterator
from math import exp
from typing import Final

from proofwatch.events.types import Anomaly
from proofwatch.governance.tenant_days import TenantDays
from proofwatch.instants import instant_of
from services.aggregator.core.finding import Counted, Evidence, Stated, build_anomaly
from services.aggregator.core.life import Phase
from services.aggregator.core.limits.findings import Moved, SeriesId, move
from services.aggregator.core.limits.rhythm import WEEK, Judged, Rests, never, rhythm, silence, volume
from services.aggregator.core.limits.state import CohortState, FindingState
from services.aggregator.core.limits.trials import LABELS


class LabelWatch:
    """Judges how the labels of a tenant come; `cohort`, that of the whole tenant, is changed."""

    def __init__(
        self, tenant: str, cohort: CohortState, grace_ms: int, days: TenantDays, last: int | None = None
    ) -> None:
        """`last`: the last day that the log has, if it has an end; what it lacks after that is not missing."""
        self._last = last
        self._tenant = tenant
        self._cohort = cohort
        self._grace_ms = grace_ms
        self._days = days

    @property
    def _arrivals(self) -> dict[int, int]:
        return {day: n for day, (_, n) in self._cohort.days.get(LABELS, {}).items()}

    def arrived(self, at: int) -> Iterator[Anomaly]:
        """Yield what the end of a day on which labels came says."""
        arrivals = self._arrivals
        yield from self._moved("silence", "down", silence(arrivals, at, self._rests) or _SPOKE, at)
        if self._last is not None and at > self._last:
            return  # of less and less traffic: that there are few says nothing
        if found := volume(arrivals, at, self._rests):
            few, many = found
            silent = self._cohort.findings.get(f"silence/{LABELS}/down")
            if silent and at - silent.through < WEEK and few.observation in {"high", "low_evidence"}:
                few = few._replace(observation="weak")
            yield from self._moved("volume", "down", few, at)
            yield from self._moved("volume", "up", many, at)

    def silent(self, until: int) -> Iterator[Anomaly]:
        """Yield what the ends of the days up to `until`, on which no label came, say."""
        until = until if self._last is None else min(until, self._last)
        while (at := silent_on(self._cohort, self._rests)) is not None and at <= until:
            judged = silence(self._arrivals, at, self._rests)
            assert judged is not None, "a day is known by the rhythm"
            yield from self._moved("silence", "down", judged, at)

    def _rests(self, day: int) -> bool:
        calendar = self._days.calendar(self._days.numbered(day).start_ms)
        return day in calendar.holidays

    def _moved(self, rule: str, direction: str, judged: Judged, at: int) -> Iterator[Anomaly]:
        name = f"{rule}/{LABELS}/{direction}"
        known = self._cohort.findings.get(name)
        phase: Phase = known.severity if known and known.firing else "quiet"
        series = SeriesId(rule, LABELS, self._tenant, None, None)
        moved = move(series._replace(rule=f"{rule}/{direction}"), known, phase, judged.observation, at, None)
        if moved:
            self._cohort.findings[name] = moved.state
            yield self._event(series, direction, moved, judged, at)

    def _event(self, series: SeriesId, direction: str, moved: Moved, judged: Judged, at: int) -> Anomaly:
        state, rate, n = moved.state, judged.k / judged.n, judged.n
        ratio = rate / judged.usual if judged.usual else 0.0
        p = exp(-min(700.0, judged.usual * n)) if series.rule == "silence" and state.firing else 0.0
        evidence = Evidence(rate, rate, rate, 0, 0, judged.usual, 0, ratio, p if state.firing else 1.0)
        return build_anomaly(
            series,
            Stated(state.anomaly_id, state.revision, state.state, state.severity),
            Counted(self._begin_ms(at - n + 1), self._begin_ms(at + 1), judged.k, n, evidence),
            cadence="daily",
            action="incident_review",
            resolution=None,
            direction=direction,
            since=instant_of(self._begin_ms(judged.since)) if state.firing else None,
            known_at=instant_of(self._begin_ms(at + 1)),
            statistic=judged.statistic,
            threshold=judged.threshold,
        )

    def _begin_ms(self, day: int) -> int:
        return self._days.numbered(day).start_ms + self._grace_ms


_SPOKE: Final = Judged("within", 0, 0, 1, 0.0, 0.0, 0.0)
"""Labels came, and too few are known for a rhythm: whatever was silent is not any more."""


def silent_on(cohort: CohortState, rests: Rests = never) -> int | None:
    """Return the day at whose end labels will be silent, or more certainly so, if none comes; None: never.

    Without the tenant's holidays it is the earliest that this may be.
    """
    found = rhythm({day: n for day, (_, n) in cohort.days.get(LABELS, {}).items()}, _NEVER, rests)
    if found is None:
        return None
    known: FindingState | None = cohort.findings.get(f"silence/{LABELS}/down")
    if known is None or not known.firing:
        return found.silent_from("low_evidence", rests)
    return found.silent_from("high", rests) if known.severity == "low_evidence" else None


_NEVER: Final = 10**9
