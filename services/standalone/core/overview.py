"""What a run has shown so far: pure counts from the records it published, for the terminal and the summary."""

from collections import Counter, deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

import msgspec

from proofwatch.biometrics.figures import Figure, rate
from proofwatch.bus.port import Record
from proofwatch.events import topics
from proofwatch.events.types import Anomaly, Escalation

RATES: Final = ("rejection_rate", "retry_rate", "match_fail_rate", "liveness_fail_rate", "fta_rate")
LABELLED: Final = ("fmr", "fnmr", "apcer", "bpcer")
_HOUR_OF_WINDOWS: Final = 12
_FIVE_MINUTES_S: Final = 300
_FEED_LINES: Final = 50


class _Verdict(msgspec.Struct):
    decision: str
    action: str


class _Rate(msgspec.Struct):
    metric: str
    k: int | None
    n: int | None


class _Window(msgspec.Struct):
    kind: str
    tenant: str
    segment_name: str | None
    length_s: int
    revision: int
    start: str
    figures: list[_Rate]


class Line(NamedTuple):
    """One line of what people hear about; equal lines in a row are counted, not repeated."""

    at: str
    kind: str
    whose: str
    what: str
    numbers: str = ""
    times: int = 1


_verdict = msgspec.json.Decoder(_Verdict).decode
_window = msgspec.json.Decoder(_Window).decode
_anomaly = msgspec.json.Decoder(Anomaly).decode
_escalation = msgspec.json.Decoder(Escalation).decode


@dataclass(slots=True)
class Overview:
    """Counts of everything published; rates by tenant over the last hour of closed five-minute windows."""

    decisions: Counter[str] = field(default_factory=Counter)
    actions: Counter[str] = field(default_factory=Counter)
    dead_letters: Counter[str] = field(default_factory=Counter)
    windows: Counter[str] = field(default_factory=Counter)
    anomalies: Counter[str] = field(default_factory=Counter)
    suspicions: int = 0
    notifications: int = 0
    firing: dict[str, Anomaly] = field(default_factory=dict)
    cases: dict[str, str] = field(default_factory=dict)
    feed: deque[Line] = field(default_factory=lambda: deque(maxlen=_FEED_LINES))
    _recent: dict[str, deque[dict[str, tuple[int, int]]]] = field(default_factory=dict)
    _labelled: dict[tuple[str, str], dict[str, tuple[int, int]]] = field(default_factory=dict)

    def note(self, topic: str, records: Sequence[Record]) -> None:
        """Count what was published on one topic."""
        note = _NOTES.get(topic)
        for record in records:
            if record.value is None:
                continue
            if note:
                note(self, record.value)
            elif topics.is_dead_letter_topic(topic):
                self.dead_letters[topic] += 1

    @property
    def decided(self) -> int:
        """Return how many transactions got a verdict."""
        return sum(self.decisions.values())

    @property
    def open_cases(self) -> int:
        """Return how many cases wait for people."""
        return sum(status != "closed" for status in self.cases.values())

    def tenants(self) -> list[str]:
        """Return the tenants seen in closed windows, sorted."""
        return sorted(self._recent)

    def live_rates(self, tenant: str) -> dict[str, Figure]:
        """Return the proxies of the tenant over its last hour of closed windows."""
        return {name: _summed(name, self._recent[tenant]) for name in RATES}

    def labelled_rates(self) -> dict[str, Figure]:
        """Return the error rates over all labelled days closed so far (pooled over tenants)."""
        return {name: _summed(name, self._labelled.values()) for name in LABELLED}

    def _note_verdict(self, value: bytes) -> None:
        verdict = _verdict(value)
        self.decisions[verdict.decision] += 1
        self.actions[verdict.action] += 1

    def _note_window(self, value: bytes) -> None:
        window = _window(value)
        self.windows["restated" if window.revision > 1 else window.kind] += 1
        if window.segment_name is not None:
            return
        counted = {f.metric: (f.k, f.n) for f in window.figures if f.k is not None and f.n is not None}
        if window.kind == "labelled":
            self._labelled[window.tenant, window.start] = counted
        elif window.length_s == _FIVE_MINUTES_S and window.revision == 1:
            self._recent.setdefault(window.tenant, deque(maxlen=_HOUR_OF_WINDOWS)).append(counted)

    def _note_anomaly(self, value: bytes) -> None:
        anomaly = _anomaly(value)
        self.anomalies[f"{anomaly.state}.{anomaly.severity}"] += 1
        if anomaly.state == "resolved":
            self.firing.pop(anomaly.anomaly_id, None)
            return
        self.firing[anomaly.anomaly_id] = anomaly
        if anomaly.severity == "high":
            whose = f", {anomaly.segment_name} {anomaly.segment_value}" if anomaly.segment_name else ""
            numbers = f"{anomaly.ratio:.1f} × baseline ({anomaly.k}/{anomaly.n})"
            what = anomaly.metric.replace("_", " ")
            self._tell(Line(f"{anomaly.window_start:%H:%M}", "anomaly", f"{anomaly.tenant}{whose}", what, numbers))

    def _note_suspicion(self, _value: bytes) -> None:
        self.suspicions += 1

    def _note_escalation(self, value: bytes) -> None:
        escalation = _escalation(value)
        if escalation.case_id not in self.cases and escalation.subject_tag and escalation.reasons:
            why = escalation.reasons[-1].code.replace("_", " ")
            self._tell(Line(f"{escalation.raised_at:%H:%M}", "case", f"{escalation.tenant}, a subject", why))
        self.cases[escalation.case_id] = escalation.status

    def _note_notification(self, _value: bytes) -> None:
        self.notifications += 1

    def _tell(self, line: Line) -> None:
        """Add a line, or count the one before it, whose time is then the later one's."""
        if self.feed and self.feed[-1][1:5] == line[1:5]:
            line = line._replace(times=1 + self.feed.pop().times)
        self.feed.append(line)


_NOTES: Final = {
    topics.VERDICTS: Overview._note_verdict,
    topics.WINDOWS: Overview._note_window,
    topics.ANOMALIES: Overview._note_anomaly,
    topics.SUSPICIONS: Overview._note_suspicion,
    topics.ESCALATIONS: Overview._note_escalation,
    topics.NOTIFICATIONS: Overview._note_notification,
}


def _summed(name: str, windows: Iterable[dict[str, tuple[int, int]]]) -> Figure:
    k = n = 0
    for counted in windows:
        dk, dn = counted.get(name, (0, 0))
        k, n = k + dk, n + dn
    return rate(k, n)
