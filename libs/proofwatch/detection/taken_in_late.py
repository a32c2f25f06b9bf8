"""Genuine people whom labels prove rejected, told with an incident that is over, its findings forgotten. Pure.

Labels come days after what they are of. Of an incident that ended long ago the incident itself is all that is left, so
what `detection.taken_in` joins while its findings are known is joined to that: where its slice holds nearly all errors
beyond the limit, and its days do. It stays ended, and has the id that people know.
"""

from collections.abc import Iterable, Sequence
from math import inf
from typing import NamedTuple

from proofwatch.detection.begin import worst_of
from proofwatch.detection.checks import is_proven
from proofwatch.detection.findings import RATES, WHOLE, FindingHistory, Panel, Tables, panel_of
from proofwatch.detection.harm import KEEPS_OUT, harm_of
from proofwatch.detection.incident import Incident
from proofwatch.detection.panel_counts import table_of
from proofwatch.detection.panel_days import days_of
from proofwatch.detection.root_slice import SHARE, Counts, roots, takes_away
from proofwatch.detection.runs import BY_LABELS, related
from proofwatch.instants import ms_of


class TakenIn(NamedTuple):
    """Incidents that are kept, with what labels prove of them, and the findings that are of none of these."""

    kept: list[Incident]
    rest: list[FindingHistory]


def taken_in_late(kept: Iterable[Incident], findings: Iterable[FindingHistory], tables: Tables) -> TakenIn:
    """Return the incidents with what labels prove of them; of several the one that began last has it."""
    by_id = {each.incident_id: each for each in kept}
    rest = []
    for finding in findings:
        holding = [each for each in by_id.values() if _of_labels(finding) and _holds(each, finding, tables)]
        if not holding:
            rest.append(finding)
            continue
        one = max(holding, key=lambda each: (each.since, each.incident_id))
        by_id[one.incident_id] = one._replace(
            children=tuple(sorted({*one.children, finding.latest.anomaly_id})),
            rules=tuple(sorted({*one.rules, finding.latest.rule})),
            metrics=tuple(sorted({*one.metrics, finding.latest.metric})),
        )
    return TakenIn(list(by_id.values()), rest)


def _of_labels(finding: FindingHistory) -> bool:
    return finding.worst is not None and is_proven(finding)


def _holds(incident: Incident, finding: FindingHistory, tables: Tables) -> bool:
    lead = incident.lead
    live = incident.evidence == "strong" and incident.kind == RATES and lead.rule not in BY_LABELS
    if not live or harm_of(lead) not in KEEPS_OUT or not related(lead.metric, finding.latest.metric):
        return False
    return _in_slice(incident, finding, tables) and _on_its_days(incident, finding, tables)


def _in_slice(incident: Incident, finding: FindingHistory, tables: Tables) -> bool:
    """Return whether the slice of an incident holds nearly all of what a finding says of it, or of others.

    So it does of the whole tenant, and of a slice that fired beside it where the counts name it as the root of both.
    """
    where, worst = incident.root.where, worst_of(finding)
    if finding.where == where:
        return True
    known = tables.get(panel_of(finding), {})
    if where not in known:
        return False
    if finding.where == WHOLE:
        return takes_away(Counts(worst.k, worst.n, worst.baseline_rate), Counts(*known[where], worst.baseline_rate))
    table = table_of([finding], {where}, known, down=False)
    return [each.where for each in roots(table, {where, finding.where})] == [where]


def _on_its_days(incident: Incident, finding: FindingHistory, tables: Tables) -> bool:
    """Return whether the days of an incident hold nearly all errors that are beyond what was to be expected."""
    worst, since_ms = worst_of(finding), ms_of(incident.since)
    until_ms = inf if incident.until is None else ms_of(incident.until)
    days = days_of(worst)
    if not days:
        newest = finding.latest if finding.firing else worst
        return ms_of(newest.window_start) < until_ms and since_ms < ms_of(worst.window_end)
    return _share_of(days, incident, worst.baseline_rate, tables, (since_ms, until_ms)) >= SHARE


def _share_of(
    days: Sequence[Panel], incident: Incident, usual: float, tables: Tables, span_ms: tuple[float, float]
) -> float:
    """Return the share of the errors beyond the usual rate that the days of a span hold; 0: there are none."""
    total = held = 0.0
    for day in days:
        if known := tables.get(day, {}).get(incident.root.where):
            beyond = known[0] - known[1] * usual
            meanwhile = day.start_ms < span_ms[1] and span_ms[0] < day.start_ms + day.length_s * 1000
            total, held = total + beyond, held + (beyond if meanwhile else 0.0)
    return held / total if total > 0 else float(held > 0)
