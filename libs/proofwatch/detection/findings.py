"""The history of a finding: what the revisions of one anomaly say together, in whatever order they come."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Final, NamedTuple

from proofwatch.events.types import Anomaly, Step
from proofwatch.instants import ms_of

Slice = tuple[str | None, str | None]
"""Name and value of a segment; (None, None) is the whole tenant."""
WHOLE: Final[Slice] = (None, None)
PROTECTED: Final = frozenset({"sex", "age_band", "skin_tone", "country"})
"""Attributes of a person: they describe an incident, and are its root only where nothing else explains as much."""


RATES: Final = "rates"
PEOPLE_REFERRED: Final = "people_refer_rate"
"""People who are referred, once each, of the attempts of all who had not been yet."""
_DAY_S: Final = 90_000
"""25 hours: the longest day."""
_DATED: Final = frozenset({"cusum", "collapse", "saturation", "few_values", "missing_scores", "score_shift", "volume"})
"""Rules of real time that say since when it is over, which may be long before it is known."""
INJECTED: Final = "injection_accept_rate"
PROVEN: Final = frozenset({"apcer", "iapar", INJECTED})
"""Rates of attacks that labels name."""
_OWN_KINDS: Final = frozenset({"silence", "volume"})


_BY_SPECIES: Final = frozenset({"apcer", "iapar"})
_TRAFFIC: Final = "rejection_rate"
"""The rate whose trials are all transactions that were decided."""


def counted_as(metric: str, counted: str | None) -> str:
    """Return the name under which counts of a rate are kept, so that only counts of one kind are ever compared.

    `counted`: of which attempts (`Anomaly.counted`); None: of all.
    """
    return metric if counted in (None, "attempts") else f"{metric}:{counted}"


class Panel(NamedTuple):
    """One metric in one window of a tenant: what slices are compared in. `metric`: by `counted_as`."""

    metric: str
    length_s: int
    start_ms: int


Tables = Mapping[Panel, Mapping[Slice, tuple[int, int]]]
"""k and n of the slices of a tenant in windows, as far as they are known; the whole tenant under `WHOLE`."""


class FindingHistory(NamedTuple):
    """An anomaly by all of its revisions that came so far.

    `worst` is the firing revision with the most evidence (None: only its end is known yet), `latest` the newest one;
    `grown` is the one with the most that went wrong by then: a chart goes on counting while it fires.
    """

    worst: Anomaly | None
    latest: Anomaly
    since: datetime
    found: datetime
    """When it could first be known: the end of the first window that fired, or when labels told."""
    steps: tuple[Step, ...] = ()
    """How its rate changed while it fired, in the order in which that became known."""
    sure: datetime | None = None
    """When it could first be known with high severity; None: it had none."""
    since_low: datetime | None = None
    since_high: datetime | None = None
    """A 90 % interval of `since`; None: it is exact, or none is known."""
    grown: Anomaly | None = None
    counts: tuple[tuple[Slice, int, int], ...] = ()
    """k and n of the slices in its panel, as they were known: windows are forgotten while an incident stands."""
    traffic: tuple[tuple[Slice, int, int], ...] = ()
    """The same of all transactions of that time, of what labels prove of attacks."""

    settled: int = 0
    """The revision with which labels were done telling more of it; 0: none of them."""

    @property
    def is_settled(self) -> bool:
        """Return whether labels told no more of it for a week, up to now."""
        return self.settled == self.latest.revision

    @property
    def newest(self) -> Anomaly:
        """Return what says how far a finding that fired has come: its numbers, and by when they are so."""
        told = self.grown or self.worst  # kept by a release that noted one only
        assert told is not None, "only what fired has come far"
        return told

    @property
    def affected(self) -> float:
        """Return about how many trials went otherwise than expected by now, or in the end, of a finding that fired."""
        ended = self.latest.affected if self.latest.state == "resolved" else None
        return max(excess(self.newest), ended or 0.0)

    @property
    def where(self) -> Slice:
        """Return the slice."""
        return (self.latest.segment_name, self.latest.segment_value)

    @property
    def kind(self) -> str:
        """Return what it is about: rates and scores of transactions, or how many there are of these or of labels."""
        return kind_of(self.latest)

    @property
    def firing(self) -> bool:
        """Return whether it holds."""
        return self.latest.state == "firing"

    @property
    def until_ms(self) -> int | None:
        """Return when it ended; None while it fires.

        It ends where traffic ended, with the first window that was within, when the chart of a rate, or what minutes
        weigh, says that it came back, or with the end of the span that was judged where rules count over a span that
        overlaps what fired; never before what several days together told of did.
        """
        if self.firing:
            return None
        latest = self.latest
        dated = latest.rule == "twice_baseline" or (latest.rule in _DATED and latest.cadence == "real_time")
        spanning = not dated and latest.resolution is None
        end = max(latest.window_end if spanning else latest.window_start, self.since)
        together = self.worst is not None and length_s(self.worst) > _DAY_S
        return ms_of(max(end, self.worst.window_end) if self.worst and together else end)

    @property
    def since_ms(self) -> int:
        """Return since when it is so."""
        return ms_of(self.since)


def kind_of(anomaly: Anomaly) -> str:
    """Return what a finding is about: rates and scores, or how many transactions or labels there are."""
    return anomaly.rule if anomaly.rule in _OWN_KINDS else RATES


def excess(anomaly: Anomaly) -> float:
    """Return how many trials went otherwise than expected: the detector's figure, else |k − n·baseline rate|."""
    if anomaly.affected is not None:
        return anomaly.affected
    return abs(anomaly.k - anomaly.n * anomaly.baseline_rate)


def counts_once(anomaly: Anomaly) -> bool:
    """Return whether a finding counts each person once: first attempts, or first referrals; else it counts attempts."""
    return anomaly.counted == "first_attempts" or anomaly.metric == PEOPLE_REFERRED


def length_s(anomaly: Anomaly) -> int:
    """Return the length of the window that was judged, in seconds."""
    return round((anomaly.window_end - anomaly.window_start).total_seconds())


def panel_of(finding: FindingHistory) -> Panel:
    """Return the window and metric with the most evidence of a finding that fired."""
    worst = finding.worst
    assert worst is not None, "only what fired has a window to compare in"
    # of several species its counts are those of the first
    return Panel(metrics_of(worst)[0], length_s(worst), ms_of(worst.window_start))


def metrics_of(anomaly: Anomaly) -> list[str]:
    """Return under which names windows count what a finding is of: of attacks those of each species concerned."""
    metric = counted_as(anomaly.metric, anomaly.counted)
    if anomaly.metric in _BY_SPECIES and anomaly.species:
        return [f"{metric}:{species}" for species in anomaly.species]
    return [metric]


def traffic_of(panel: Panel) -> Panel | None:
    """Return the panel whose trials are all transactions of that time, of one of attacks; None: it is of no such."""
    return panel._replace(metric=_TRAFFIC) if panel.metric.partition(":")[0] in PROVEN else None


def trials(counts: Iterable[tuple[Slice, int, int]]) -> int:
    """Return how many trials of the whole tenant are counted."""
    return sum(n for where, _, n in counts if where == WHOLE)
