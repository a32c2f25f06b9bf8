"""When a cause began, and how it went on, by the findings of its root: which of them says it best. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from math import inf
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from msgspec.structs import replace

from proofwatch.detection.findings import WHOLE, FindingHistory, Slice, Tables, excess, length_s
from proofwatch.detection.panel_days import likeliest_day
from proofwatch.detection.runs import BY_LABELS, EXACT
from proofwatch.events.types import Anomaly, Step
from proofwatch.instants import instant_of, ms_of

_NOTHING: Final[Mapping[Any, Any]] = MappingProxyType({})
CHANCE: Final = 0.05
"""Strong: found so by chance in fewer than one tenant-day of twenty."""
DAY_S: Final = 86_400
_SERIES: Final = 21 * 6
"""Series that a tenant is looked at by: itself and 20 segment values, 6 metrics."""
_MUCH: Final = 0.25
_BY_VERSION: Final = "version_change"
_EACH_LOOK: Final = "twice_baseline"
"""The rule whose p is that of one look; other rules keep a budget of false highs of their own."""


class Begin(NamedTuple):
    """When it began, and a 90 % interval of that; None: it is exact, or none is known."""

    since: datetime
    low: datetime | None = None
    high: datetime | None = None


def begin_of(
    own: Sequence[FindingHistory],
    others: Sequence[FindingHistory] = (),
    where: Slice = WHOLE,
    tables: Tables = _NOTHING,
) -> Begin | None:
    """Return when the root's own strong findings say that it began; None: there are none. `where`: the root.

    Where those are of days alone, the cause's `others` may say it better: what fires of the whole tenant because of it.
    Where they are of several days together, the counts of each day do (`tables`).

    One that says it to the minute says it best. Of charts the first that was sure does: of several guesses the earliest
    is not the best. A day's window says only that it was on that day; a shorter one says when, if it lasted for much of
    the day's excess.
    """
    own_begin = _begin(own)
    if own_begin is None or not of_days(own):
        return own_begin and _closer(own_begin, own, others)
    first = min(each.since for each in own)
    last = max(worst_of(each).window_end for each in own)
    telling = [each for each in others if (each.since_high or each.since) >= first and each.since < last]
    exacter = [each for each in telling if each.latest.rule in EXACT or _is_chart(each)]
    if better := _begin(exacter):
        return better
    window = max((worst_of(each) for each in own if chance_of(worst_of(each)) < CHANCE), key=length_s)
    several = length_s(window) >= 2 * DAY_S and window.rule not in BY_LABELS
    return (several and _of_several_days(window, (*own, *others), where, tables)) or own_begin


def _closer(begin: Begin, own: Iterable[FindingHistory], others: Iterable[FindingHistory]) -> Begin:
    """Return what the whole tenant's chart says that was sure before, where it knows it closer, and both may be right.

    A slice of few has a chart that is sure hours later, and knows within a day what its tenant's knew within hours.
    """
    if begin.low is None or begin.high is None:
        return begin
    sure = min((each.sure for each in own if each.sure and each.since_low == begin.low), default=None)
    charts = [each for each in others if each.where == WHOLE and _is_chart(each) and each.sure and sure]
    closer = _begin([each for each in charts if sure and each.sure and each.sure < sure])
    if (
        closer is None
        or closer.low is None
        or closer.high is None
        or closer.high - closer.low >= begin.high - begin.low
    ):
        return begin
    return closer if begin.low <= closer.high and closer.low <= begin.high else begin


def _of_several_days(window: Anomaly, own: Iterable[FindingHistory], where: Slice, tables: Tables) -> Begin | None:
    """Return when it began, of several days together that are sure: at their first midnight only their counting begins.

    The likeliest of their days by the counts of each, and what a chart says that finds the same of that day, sure by
    itself or not. Where no day's counts are known the chart.
    """
    day = likeliest_day(window, where, tables)
    found = [each for each in own if _is_chart(each) and each.latest.metric == window.metric]
    charts = sorted(found, key=lambda each: (each.found, each.latest.anomaly_id))
    for each in charts:
        meanwhile = each.since < window.window_end and (each.until_ms or inf) > ms_of(window.window_start)
        if meanwhile if day is None else day.start_ms <= each.since_ms < day.end_ms:
            return Begin(each.since, each.since_low, each.since_high)
    return None if day is None else Begin(instant_of(day.start_ms))


def of_days(own: Sequence[FindingHistory]) -> bool:
    """Return whether what is strong of some findings says the day only."""
    return all(_says_the_day(each) for each in own if chance_of(worst_of(each)) < CHANCE)


def _says_the_day(finding: FindingHistory) -> bool:
    dated = finding.latest.rule in (*EXACT, _BY_VERSION) or _is_chart(finding)
    return not dated and length_s(worst_of(finding)) >= DAY_S


def _is_chart(finding: FindingHistory) -> bool:
    """Return whether a chart says since when, within bounds; what labels prove has bounds of days."""
    return finding.since_low is not None and finding.latest.rule not in (*BY_LABELS, *EXACT)


def _begin(own: Sequence[FindingHistory]) -> Begin | None:
    strong = [each for each in own if chance_of(worst_of(each)) < CHANCE]
    if exact := [each for each in strong if each.latest.rule in EXACT]:
        first = min(exact, key=lambda each: (each.since, each.latest.anomaly_id))
        return Begin(first.since, first.since_low, first.since_high)
    if changed := [each.since for each in strong if each.latest.rule == _BY_VERSION]:
        return Begin(min(changed))  # a comparison of versions begins with one, and a chart only guesses when it came
    days = [each for each in strong if _says_the_day(each)]
    of_day = max((excess(worst_of(each)) for each in days), default=0.0)
    telling = [each for each in strong if each not in days and _lasted(each) >= _MUCH * of_day] or strong
    for bounded in ([each for each in telling if _is_chart(each)], [each for each in telling if each.since_low]):
        if known := [each for each in bounded if each.sure is not None]:
            first = min(known, key=lambda each: (each.sure, each.latest.anomaly_id))
            return Begin(first.since, first.since_low, first.since_high)
    return Begin(min(each.since for each in telling)) if telling else None


def steps_of(own: Sequence[FindingHistory], others: Sequence[FindingHistory] = ()) -> tuple[Step, ...]:
    """Return how the root's rates changed, in order. One cause moves several rates: the first that shows it is told.

    `others`: of the whole tenant, and of slices like the root. What they showed before the root had a finding of its
    own stays: it was told when they were the root.
    """
    found: list[Step] = []
    told: list[tuple[str, Step]] = []
    first = min(each.found for each in own)
    before = [each for each in _each(others) if each[1].known_at <= first]
    for one, step in sorted([*_each(own), *before], key=lambda each: (each[1].known_at, each[0])):
        echo = any(other != one and step.since <= before.known_at for other, before in told)
        if step.told and not echo:
            told.append((one, step))
        found.append(replace(step, told=step.told and not echo))
    return tuple(found)


def worst_of(finding: FindingHistory) -> Anomaly:
    """Return the firing revision with the most evidence of a finding that fired."""
    assert finding.worst is not None, "causes are of findings that fired"
    return finding.worst


def chance_of(anomaly: Anomaly) -> float:
    """Return how many findings as extreme a day's looks of a tenant at windows of this length make by chance.

    What its own rule calls low evidence is never stronger than one.
    """
    if anomaly.severity != "high":
        return 1.0 if anomaly.rule != _EACH_LOOK else max(1.0, _by_looks(anomaly))
    return _by_looks(anomaly) if anomaly.rule == _EACH_LOOK else 0.0


def _by_looks(anomaly: Anomaly) -> float:
    return max(0.0, anomaly.p_value) * max(1.0, DAY_S / max(length_s(anomaly), 1)) * _SERIES


def _each(own: Sequence[FindingHistory]) -> list[tuple[str, Step]]:
    return [(each.latest.anomaly_id, step) for each in own for step in each.steps]


def _lasted(finding: FindingHistory) -> float:
    """Return the excess of a finding from its begin to its end, were all of its windows like the worst."""
    if finding.until_ms is None:
        return inf
    worst = worst_of(finding)
    windows = (finding.until_ms - finding.since_ms) / max(1000 * length_s(worst), 1)
    return excess(worst) * max(windows, 1.0)
