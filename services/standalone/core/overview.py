"""What a run has shown so far: pure counts from the records it published, for the terminal and the summary."""

from collections import Counter, deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

import msgspec

from proofwatch.biometrics.figures import Figure, rate
from proofwatch.bus.records import Record
from proofwatch.detection.slice_names import value_words
from proofwatch.detection.words import metric_words
from proofwatch.events import topics
from proofwatch.events.types import Anomaly, Escalation, Incident
from proofwatch.local_time import local

RATES: Final = ("rejection_rate", "retry_rate", "match_fail_rate", "liveness_fail_rate", "fta_rate")
LABELLED: Final = ("fmr", "fnmr", "apcer", "bpcer")
_HOUR_OF_WINDOWS: Final = 12
_FIVE_MINUTES_S: Final = 300
_FEED_LINES: Final = 50
_TRIALS: Final = ("genuine.", "impostor.", "bona_fide.", "attack:", "injection:")


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
    counts: dict[str, int] = {}


class Truths(NamedTuple):
    """The state of labels: how many came, the newest at what time; trials in the rates of so many closed days."""

    came: int
    newest_ms: int | None
    closed_days: int
    trials: int


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
_incident = msgspec.json.Decoder(Incident).decode


@dataclass(slots=True)
class Overview:
    """Counts of everything published; rates by tenant over the last hour of closed five-minute windows.

    `zone`: whose clock lines are written by.
    """

    zone: str | None = None
    decisions: Counter[str] = field(default_factory=Counter)
    actions: Counter[str] = field(default_factory=Counter)
    dead_letters: Counter[str] = field(default_factory=Counter)
    windows: Counter[str] = field(default_factory=Counter)
    anomalies: Counter[str] = field(default_factory=Counter)
    suspicions: int = 0
    notifications: int = 0
    labels: int = 0
    newest_label_ms: int | None = None
    firing: dict[str, Anomaly] = field(default_factory=dict)
    told_incidents: dict[str, str] = field(default_factory=dict)
    cases: dict[str, str] = field(default_factory=dict)
    feed: deque[Line] = field(default_factory=lambda: deque(maxlen=_FEED_LINES))
    _recent: dict[str, deque[dict[str, tuple[int, int]]]] = field(default_factory=dict)
    _labelled: dict[tuple[str, str], dict[str, tuple[int, int]]] = field(default_factory=dict)
    _trials: dict[tuple[str, str], int] = field(default_factory=dict)

    def note_labels(self, count: int, newest_ms: int) -> None:
        """Count labels that were published, the newest of them at `newest_ms`."""
        if count:
            self.labels += count
            self.newest_label_ms = max(newest_ms, self.newest_label_ms or newest_ms)

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

    def truths(self) -> Truths:
        """Return what is known of labels so far."""
        days = {start for _, start in self._labelled}
        return Truths(self.labels, self.newest_label_ms, len(days), sum(self._trials.values()))

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
            trials = sum(n for name, n in window.counts.items() if name.startswith(_TRIALS))
            self._trials[window.tenant, window.start] = trials
        elif window.length_s == _FIVE_MINUTES_S and window.revision == 1:
            self._recent.setdefault(window.tenant, deque(maxlen=_HOUR_OF_WINDOWS)).append(counted)

    def _note_anomaly(self, value: bytes) -> None:
        anomaly = _anomaly(value)
        self.anomalies[f"{anomaly.state}.{anomaly.severity}"] += 1
        if anomaly.state == "resolved":
            self.firing.pop(anomaly.anomaly_id, None)
            return
        self.firing[anomaly.anomaly_id] = anomaly

    def _note_incident(self, value: bytes) -> None:
        """Tell of an incident when its evidence is strong for the first time, and when it ends or goes on again."""
        incident = _incident(value)
        told = self.told_incidents.get(incident.incident_id)
        if incident.evidence != "strong" or incident.state == told or (told is None and incident.state == "merged"):
            return
        self.told_incidents[incident.incident_id] = incident.state
        slices = "".join(f", {value_words(each.segment_name, each.segment_value)}" for each in incident.root)
        metric = metric_words(incident.metric)
        numbers = f"{incident.k:,}/{incident.n:,}"
        if people := round(incident.rejected + incident.accepted):
            numbers += f", ~{people:,} people"
        at = incident.until or incident.known_at if incident.state == "ended" else incident.known_at
        what = metric if incident.state == "firing" else f"{_STATES[incident.state]}: {metric}"
        self._tell(Line(f"{local(at, self.zone):%H:%M}", "incident", f"{incident.tenant}{slices}", what, numbers))

    def _note_suspicion(self, _value: bytes) -> None:
        self.suspicions += 1

    def _note_escalation(self, value: bytes) -> None:
        """Count it: cases are a list for those who work on them, and no news (ADR 0052)."""
        escalation = _escalation(value)
        self.cases[escalation.case_id] = escalation.status

    def _note_notification(self, _value: bytes) -> None:
        self.notifications += 1

    def _tell(self, line: Line) -> None:
        """Add a line, or count the one before it, whose time is then the later one's."""
        if self.feed and self.feed[-1][1:5] == line[1:5]:
            line = line._replace(times=1 + self.feed.pop().times)
        self.feed.append(line)


_STATES: Final = {"ended": "ended", "merged": "is part of another"}
_NOTES: Final = {
    topics.INCIDENTS: Overview._note_incident,
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
