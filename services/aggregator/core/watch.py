"""The watch over published windows: every rate of every window through the 2 × baseline rule, in order."""

from collections.abc import Iterable, Iterator

from proofwatch.events.types import Anomaly, Figure
from proofwatch.governance.policy import Monitoring
from services.aggregator.core.anomalies import DAILY, REAL_TIME, Anomalies, SeriesKey, WindowRef, judge
from services.aggregator.core.baselines import EMPTY, Baselines, SlotKey, slot_of
from services.aggregator.core.closing import Published
from services.aggregator.core.times import DAY_S


def slot_key(published: Published) -> SlotKey:
    """Return the row of baselines that a window is judged by."""
    key, window = published.key, published.window
    return SlotKey(key.tenant, window.name, window.value, key.length_s, slot_of(key.length_s, key.start_ms))


def to_be_judged(published: Iterable[Published], anomalies: Anomalies) -> list[Published]:
    """Return the windows to judge: small ones only where an anomaly of theirs is firing, or may be by then.

    One that begins in this very batch counts too, or what ends it would depend on how the log is cut into batches.
    """
    firing = {key[:3] + key[4:] for key, each in anomalies.items() if each.state == "firing"}
    judged = []
    for each in published:
        series = (each.key.tenant, each.window.name, each.window.value, each.key.length_s)
        if not each.small:
            firing.add(series)
        elif series not in firing:
            continue
        judged.append(each)
    return judged


class Watch:
    """Judges windows one after another, each by what the earlier ones left; collects what changed."""

    def __init__(self, monitoring: Monitoring, baselines: Baselines, anomalies: Anomalies) -> None:
        """`baselines` has a row, perhaps empty, for the `slot_key` of every window to come; both are updated."""
        self._monitoring = monitoring
        self._baselines = baselines
        self._anomalies = anomalies
        self.changed_baselines: Baselines = {}
        self.changed_anomalies: Anomalies = {}

    def concerns(self, published: Published) -> bool:
        """Return whether there is anything to judge: a small window can only end what is firing by now."""
        (tenant, length_s, _), window = published.key, published.window
        if not published.small:
            return True
        keys = (SeriesKey(tenant, window.name, window.value, metric, length_s) for metric in self._monitoring.expected)
        return any((known := self._anomalies.get(key)) and known.state == "firing" for key in keys)

    def judge(self, published: Published, figures: Iterable[Figure]) -> Iterator[Anomaly]:
        """Yield what the window's rates begin, change or end."""
        (tenant, length_s, start_ms), window, small = published.key, published.window, published.small
        reference = WindowRef(start_ms, published.key.end_ms, window.revision, published.backfill)
        cadence = DAILY if length_s >= DAY_S else REAL_TIME
        slot = slot_key(published)
        row = self._baselines[slot]
        for figure in figures:
            if not figure.n or figure.k is None:
                continue
            key = SeriesKey(tenant, window.name, window.value, figure.metric, length_s)
            known, anomaly = row.get(figure.metric, EMPTY), self._anomalies.get(key)
            if small and not (anomaly and anomaly.state == "firing"):
                continue
            judged = judge(key, reference, figure.k, figure.n, known, anomaly, self._monitoring, cadence)
            if judged.baseline is not known:
                row[figure.metric] = judged.baseline
                self.changed_baselines[slot] = row
            if judged.anomaly is not None and judged.anomaly is not anomaly:
                self._anomalies[key] = self.changed_anomalies[key] = judged.anomaly
            if judged.event is not None:
                yield judged.event
