"""What two policies said about the same transactions, counted by cohort. Sums only: the order does not matter."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

from proofwatch.biometrics.edges import EdgeSet
from proofwatch.biometrics.sketch import Sketch
from proofwatch.events.segments import DEVICE, VERSIONS
from services.scorer.backtest.arrivals import ALWAYS, Arrival, Period, Truth
from services.scorer.backtest.player import RULED, Player, Ruling

UNLABELLED: Final = "unlabelled"
_SETTLE_AT: Final = 50_000  # transactions whose scores are held before they are added up
_UNKNOWN: Final = Truth(None, None)


class CohortKey(NamedTuple):
    """Whose transactions: one tenant's, with one segment value at most; all None: everybody's."""

    tenant: str | None = None
    segment: str | None = None
    value: str | None = None


class Move(NamedTuple):
    """Decision and action under the old and under the new policy."""

    old_decision: str
    old_action: str
    new_decision: str
    new_action: str


class Outcomes(NamedTuple):
    """A labelled trial and its outcome under the old and under the new policy; both judged it."""

    trial_class: str
    old: str
    new: str


@dataclass(slots=True)
class Cell:
    """The counts of one cohort."""

    moves: Counter[Move] = field(default_factory=Counter)
    outcomes: Counter[Outcomes] = field(default_factory=Counter)


_Kind = tuple[Any, ...]


class Tally:
    """Counts by cohort, and the scores of everybody by class."""

    def __init__(self, catalogue: Iterable[str], match_edges: EdgeSet, liveness_edges: EdgeSet) -> None:
        """`catalogue` names the segments that are kept apart; the edges are those of the score histograms."""
        self.catalogue = tuple(dict.fromkeys(catalogue))
        self.cells: dict[CohortKey, Cell] = {}
        self.outside = 0
        self.labelled = 0
        self._span: tuple[float, float] | None = None
        self._edges = {"match": match_edges, "liveness": liveness_edges}
        self._sketches: dict[tuple[str, str], Sketch] = {}
        self._kinds: dict[_Kind, int] = {}
        self._scores: dict[str, defaultdict[str | None, list[float]]] = {
            check: defaultdict(list) for check in self._edges
        }
        self._pending = 0

    def play(self, arrivals: Sequence[Arrival], old: Player, new: Player, period: Period = ALWAYS) -> None:
        """Let both policies judge a partition's next arrivals; count those of the period."""
        kinds, matches, livenesses = self._kinds, self._scores["match"], self._scores["liveness"]
        bounded = period.since is not None or period.until is not None
        first, last = self._span or (float("inf"), float("-inf"))
        for arrival in arrivals:
            event, truth = arrival.event, arrival.truth
            occurred_ms = event.occurred_at.timestamp() * 1000
            before, after = old.rule(arrival, occurred_ms), new.rule(arrival, occurred_ms)
            if bounded and not _within(event.occurred_at, period):
                self.outside += 1
                continue
            if occurred_ms < first:
                first = occurred_ms
            if occurred_ms > last:
                last = occurred_ms
            if truth is None:
                truth = _UNKNOWN
            else:
                self.labelled += 1
            named, device = event.segments, event.device
            kind = (
                event.tenant,
                tuple(named.items()) if named else (),
                (device.model, device.os, device.sdk_version) if device is not None else _NO_DEVICE,
                (event.matcher_version, event.pad_version),
                before,
                after,
                truth,
            )
            kinds[kind] = kinds.get(kind, 0) + 1
            if event.match_score is not None:
                matches[truth.pair].append(event.match_score)
            if event.liveness_score is not None:
                livenesses[truth.presentation].append(event.liveness_score)
        if last >= first:
            self._span = (first, last)
        self._pending += len(arrivals)
        if self._pending >= _SETTLE_AT:
            self.settle()

    def settle(self) -> None:
        """Add up what was counted since the last time."""
        for (tenant, named, device, versions, before, after, truth), n in self._kinds.items():
            move = Move(before.decision, before.action, after.decision, after.action)
            outcomes = list(_outcomes(before, after, truth))
            for cohort in self._cohorts(tenant, named, (*device, *versions)):
                cell = self.cells.get(cohort)
                if cell is None:
                    cell = self.cells[cohort] = Cell()
                cell.moves[move] += n
                for outcome in outcomes:
                    cell.outcomes[outcome] += n
        for check, classes in self._scores.items():
            for name, scores in classes.items():
                self._sketches.setdefault((check, name or UNLABELLED), Sketch(self._edges[check])).add_many(scores)
            classes.clear()
        self._kinds.clear()
        self._pending = 0

    def span(self) -> tuple[datetime, datetime] | None:
        """Return when the first and the last transaction that counts occurred."""
        if self._span is None:
            return None
        first, last = self._span
        return datetime.fromtimestamp(first / 1000, UTC), datetime.fromtimestamp(last / 1000, UTC)

    def sketches(self, check: str) -> dict[str, Sketch]:
        """Return the score histograms of a check by class, `unlabelled` among them."""
        return {name: sketch for (of, name), sketch in sorted(self._sketches.items()) if of == check}

    def _cohorts(self, tenant: str, named: tuple[tuple[str, str], ...], own: tuple[str | None, ...]) -> list[CohortKey]:
        """Return the cohorts of a transaction; what upstream names itself precedes what the event says."""
        found = {name: value for name, value in zip(_OWN, own, strict=True) if value is not None}
        found.update(named)
        segments = [CohortKey(tenant, name, value) for name in self.catalogue if (value := found.get(name)) is not None]
        return [CohortKey(), CohortKey(tenant), *segments]


_OWN: Final = (*DEVICE, *VERSIONS)
_NO_DEVICE: Final = (None, None, None)


def _within(occurred_at: datetime, period: Period) -> bool:
    if period.since is not None and occurred_at < period.since:
        return False
    return period.until is None or occurred_at < period.until


def _outcomes(before: Ruling, after: Ruling, truth: Truth) -> Iterator[Outcomes]:
    """Yield the labelled trials that both policies judged."""
    if before.decision not in RULED or after.decision not in RULED:
        return
    if truth.pair is not None:
        yield Outcomes(truth.pair, before.match_outcome, after.match_outcome)
    if truth.presentation is not None:
        yield Outcomes(truth.presentation, before.liveness_outcome, after.liveness_outcome)
