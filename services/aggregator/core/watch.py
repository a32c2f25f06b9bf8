"""The watch over windows: every rate of every window through every detector, in order."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Final

from msgspec.structs import replace

from proofwatch.events.types import Anomaly, Figure
from proofwatch.governance.policy import Monitoring
from services.aggregator.core import quiet
from services.aggregator.core.anomalies import judge, lived
from services.aggregator.core.anomaly_state import Anomalies
from services.aggregator.core.baselines import (
    EMPTY,
    FREE_SLOT,
    Baselines,
    BaselineState,
    SlotKey,
    begun,
    in_slot,
    slot_of,
)
from services.aggregator.core.calendars import DaysOf
from services.aggregator.core.closing import WindowRevision
from services.aggregator.core.cusum.rolling import Rolled
from services.aggregator.core.detectors import DETECTORS
from services.aggregator.core.detectors.clusters import design_effects, unknown_effects
from services.aggregator.core.detectors.detector import Detector, Trials
from services.aggregator.core.detectors.twice_baseline import TWICE_BASELINE, compared
from services.aggregator.core.ends import Ends
from services.aggregator.core.figures import counted, counted_first
from services.aggregator.core.finding import Evidence
from services.aggregator.core.governed_markers import NOBODY, Governed, begun_ms
from services.aggregator.core.log_end import breaks_off
from services.aggregator.core.merge import BucketKey, totals
from services.aggregator.core.own_effect import Compared, own_effect
from services.aggregator.core.series import SeriesKey, WindowRef
from services.aggregator.core.times import DAY_S

_HEADLINE: Final = "apcer"
"""That of a tenant has the counts of one species, and that of a value perhaps those of another."""
OfAll = tuple[int, int, BaselineState]
"""k, n and baseline of the whole tenant."""


def slot_key(revised: WindowRevision, days_of: DaysOf) -> SlotKey:
    """Return the row of baselines that a window is judged by."""
    key, window = revised.key, revised.window
    slot = slot_of(key.length_s, key.start_ms, days_of(key.tenant))
    return SlotKey(key.tenant, window.name, window.value, key.length_s, slot)


def is_judged(revised: WindowRevision) -> bool:
    """Return whether a window is judged by itself: days and longer ones. Shorter ones move charts (`core.cusum`)."""
    return revised.key.length_s >= DAY_S


class Watch:
    """Judges windows one after another, each by what the earlier ones left; collects what changed.

    What else ends what fires is in `ends`.
    """

    def __init__(
        self,
        monitoring: Monitoring,
        baselines: Baselines,
        anomalies: Anomalies,
        *,
        silence_ms: int = quiet.SILENCE_MS,
        days_of: DaysOf,
        detectors: Sequence[Detector] = DETECTORS,
        charts: Callable[[SeriesKey], Evidence] | None = None,
        governed: Governed = NOBODY,
        heard_ms: int | None = None,
    ) -> None:
        """`baselines` has a row, perhaps empty, for every window to come, and for what fires (`quiet.firing_slots`).

        Both are updated. `silence_ms`: how long a tenant must have been silent to end what fires.
        `charts`: what a series that charts judge is compared with, where its findings end by silence, too. `governed`:
        markers of these tenants; what they end, they end with five minutes (`core.cusum.watch`). `heard_ms`: where the
        log ends; None: it goes on.
        """
        self._monitoring = monitoring
        self._baselines = baselines
        self._days_of = days_of
        self._detectors = tuple(detectors)
        self._unknown = unknown_effects(monitoring.cusum.dispersion_unknown)
        self._governed = governed
        self._heard_ms = heard_ms
        self._tenants: dict[tuple[str, int, int], dict[str, OfAll]] = {}
        self.changed_baselines: Baselines = {}
        self.ends = Ends(
            monitoring,
            baselines,
            anomalies,
            silence_ms=silence_ms,
            days_of=days_of,
            detectors=self._detectors,
            charts=charts,
            heard_ms=heard_ms,
        )

    def judge(self, revised: WindowRevision, figures: Collection[Figure]) -> Iterator[Anomaly]:
        """Yield what the rates of a window begin, change or end."""
        ends_ms = revised.key.end_by(self._days_of)
        window = WindowRef(
            revised.key.start_ms,
            ends_ms,
            revised.window.revision,
            revised.backfill,
            breaks_off(ends_ms, self._heard_ms),
        )
        counts = totals(revised.window).counts
        unknown = self._monitoring.cusum.dispersion_unknown
        effects = design_effects(counted(counts), counted_first(counts), unknown)
        return self.judge_window(slot_key(revised, self._days_of), window, figures, effects)

    def judge_window(
        self,
        slot: SlotKey,
        window: WindowRef,
        figures: Collection[Figure],
        effects: Mapping[str, float] | None = None,
    ) -> Iterator[Anomaly]:
        """Yield what these rates of the window begin, change or end.

        `effects`: the design effects of its rates; None: first attempts are not known.
        """
        effects = self._unknown if effects is None else effects
        row, days = self._baselines[slot], self._days_of(slot.tenant)
        place = (slot.tenant, slot.length_s, window.start_ms)
        if slot.segment_name is None:
            known_of = {
                f.metric: self._begun(
                    slot,
                    f.metric,
                    window.end_ms,
                    in_slot(row.get(f.metric, EMPTY), days, slot.length_s, window.start_ms),
                )
                for f in figures
            }
            self._tenants[place] = {f.metric: (f.k, f.n, known_of[f.metric]) for f in figures if f.k and f.n}
        tenant = self._tenants.get(place, {})
        for figure in figures:
            if not figure.n or figure.k is None:
                continue
            of_all = tenant.get(figure.metric) if slot.segment_name else None
            for detector in self._detectors:
                key = _series(slot, figure.metric, detector)
                self.ends.heard(key._replace(free=not key.free), window.start_ms)
                stored, anomaly = row.get(key.baseline_column, EMPTY), self.ends.known(key)
                known = in_slot(stored, days, slot.length_s, window.start_ms)
                effect = effects.get(figure.metric, 1.0)
                trials = Trials(key, window.start_ms, figure.k, figure.n, effect)
                is_own, usual = (
                    partial(self._is_own, trials, of_all),
                    self._begun(slot, figure.metric, window.end_ms, known),
                )
                judged = judge(
                    detector, key, window, figure.k, figure.n, known, anomaly, self._monitoring, is_own, effect, usual
                )
                if judged.baseline is not stored:
                    row[key.baseline_column] = judged.baseline
                    self.changed_baselines[slot] = row
                if judged.anomaly is not None:
                    self.ends.put(key, judged.anomaly)
                if judged.event is not None:
                    yield judged.event

    def judge_days(self, bucket: BucketKey, days: Iterable[tuple[str, Rolled]]) -> Iterator[Anomaly]:
        """Yield what three and seven days of a whole tenant begin or end at the closing of a day."""
        calendar = self._days_of(bucket.tenant)
        number = calendar.day(bucket.start_ms).number
        for metric, each in days:
            key = SeriesKey(bucket.tenant, None, None, metric, each.days * DAY_S)
            if not each.n or not TWICE_BASELINE.watches(key, self._monitoring):
                continue
            start_ms = calendar.numbered(number + 1 - each.days).start_ms
            ends_ms = bucket.end_by(self._days_of)
            window = WindowRef(start_ms, ends_ms, 1, False, breaks_off(ends_ms, self._heard_ms))
            effect = 1.0 if each.firsts else self._unknown.get(metric, 1.0)
            trials = Trials(key, window.start_ms, each.k, each.n, effect)
            reading = compared(trials, each.before, self._monitoring, began_anew=each.began_anew)
            moved, event = lived(key, window, each.k, each.n, reading, self.ends.known(key))
            if moved is not None:
                self.ends.put(key, moved)
            if event is not None:
                yield replace(event, counted="first_attempts") if each.firsts else event

    def _is_own(self, trials: Trials, of_all: OfAll | None, evidence: Evidence) -> bool:
        """Return whether a value's excess is more than the rest of its tenant shows in the same window."""
        if of_all is None or trials.series.metric == _HEADLINE:
            return True
        all_k, all_n, known = of_all
        usual = TWICE_BASELINE.read(trials._replace(k=all_k, n=all_n), known, self._monitoring)
        k, expected, rule = trials.k, trials.n * evidence.baseline_rate, self._monitoring.cusum
        rest = Compared(k, expected, max(0, all_k - k), max(0.0, all_n * usual.evidence.baseline_rate - expected))
        return own_effect(rest, "up", rule.segment_ratio, rule.segment_alpha, trials.design_effect)

    def _begun(self, slot: SlotKey, metric: str, end_ms: int, known: BaselineState) -> BaselineState:
        markers = self._governed.get(slot.tenant, ())
        return begun(known, begun_ms(markers, slot[1:3], metric, end_ms)) if markers else known


def _series(slot: SlotKey, metric: str, detector: Detector) -> SeriesKey:
    """Return the series that a window is of: each class of day is judged by itself, and has findings of its own."""
    free = slot.length_s >= DAY_S and slot.slot >= FREE_SLOT
    return SeriesKey(*slot[:3], metric, slot.length_s, detector.rule, free=free)
