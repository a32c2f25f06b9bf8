"""The report of a run as one HTML file; `templates` has its markup and its words."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from proofwatch.biometrics.evaluation import Evaluation
from proofwatch.biometrics.rates import DEFAULT_MIN_TRIALS, Limits
from proofwatch.biometrics.trials import Classes, Cohort
from proofwatch.detection.case_words import reason_words
from proofwatch.detection.incident import Incident
from proofwatch.detection.sentences import incident_account
from proofwatch.detection.urgency import urgency
from proofwatch.local_time import clock, minute, zone_words
from proofwatch.report.forest import single
from proofwatch.report.numbers import count, percent
from proofwatch.report.page import render
from proofwatch.report.parts import Plot, Table
from proofwatch.runtime.cell_settings import DEFAULT_SMALL_CELL
from services.standalone.core.watched import Watched
from services.standalone.report import data, headline, sections
from services.standalone.report.opening import Level, opening_of, openings
from services.standalone.report.rejections import read_rejections
from services.standalone.report.timeline import (
    Alarm,
    Marker,
    Timeline,
    read_alarms,
    read_cases,
    read_markers,
    read_timeline,
)
from services.standalone.report.timeline_plot import MOST_LANES, duration, timeline

_TEMPLATES: Final = Path(__file__).with_name("templates")
_MOST_ALARMS: Final = 100
_NOBODY: Final[Mapping[str, Watched]] = MappingProxyType({})
_CONTENTS: Final = {
    "figures": "Rates and limits",
    "scores": "Scores",
    "det": "DET",
    "species": "Attack species",
    "segments": "Segments",
    "rejections": "Rejections",
    "timeline": "Timeline",
    "cases": "Cases",
    "reading": "How to read this",
}
"""The sections in order: the name of each template, and what leads to it."""
_OF_LABELS: Final = frozenset({"scores", "det", "species", "segments"})
"""What has nothing to show where no label came: one sentence says so, and no heading for each."""
_EVALUATED: Final = {name: said for name, said in _CONTENTS.items() if name not in ("rejections", "timeline", "cases")}


def write_report(
    out: Path,
    title: str,
    summary: Mapping[str, Any],
    evaluation: Evaluation,
    cohorts: Mapping[Cohort, Classes],
    incidents: Sequence[Incident] = (),
    tenants: Mapping[str, Watched] = _NOBODY,
    *,
    limits: Limits = Limits(),  # noqa: B008 - frozen
    min_trials: int = DEFAULT_MIN_TRIALS,
    small_cell: int = DEFAULT_SMALL_CELL,
    time_zone: str | None = None,
) -> Path:
    """Write `report.html` into the folder of a run's results, and return its path.

    `incidents` are those of the run, `tenants` what was watched of each. `out` holds windows.jsonl, anomalies.jsonl,
    cases.jsonl and, where versions changed, markers.jsonl; `summary` is that of summary.json. `limits` and `min_trials`
    are those that the evaluation was judged by: they are drawn and named, nothing is judged again. Values of segments
    with fewer than `small_cell` trials are kept back. `time_zone`: of the tenants, in which every time is; None: UTC.
    """
    evaluation = data.without_small(evaluation, small_cell)
    tenants = {
        tenant: each._replace(evaluation=data.without_small(each.evaluation, small_cell))
        for tenant, each in tenants.items()
    }
    traffic, alarms = read_timeline(out / "windows.jsonl", time_zone), read_alarms(out / "anomalies.jsonl")
    opened = openings(tenants, incidents, limits)
    strong = sorted((each for each in incidents if each.evidence == "strong" and each.state != "merged"), key=urgency)
    markers = read_markers(out / "markers.jsonl")
    shown = _rates(evaluation, cohorts.get(None, {}), tenants, limits, min_trials, small_cell)
    rejections = [] if shown["figures"] else read_rejections(out / "windows.jsonl", small_cell)
    html = render(
        _TEMPLATES,
        "sections.html",
        title=title,
        contents=_contents(labelled=bool(shown["figures"]), rejections=bool(rejections)),
        rejections=rejections,
        summary=summary,
        tenants=opened,
        wrong_tenants=[each for each in opened if each.level is not Level.NOTHING],
        quiet_tenants=[each for each in opened if each.level is Level.NOTHING],
        incident_account=incident_account(incidents),
        **shown,
        timeline=_timeline(traffic, alarms, strong, markers, time_zone) if traffic.buckets else None,
        changes=_changes(markers, time_zone),
        alarms=_alarms(alarms) if alarms else None,
        cases=_cases(read_cases(out / "cases.jsonl")),
    )
    path = out / "report.html"
    path.write_text(html, encoding="utf-8")
    return path


def write_evaluation(
    path: Path,
    name: str,
    evaluation: Evaluation,
    classes: Classes,
    *,
    rows: int,
    labelled: int,
    refused: str | None,
    limits: Limits,
    min_trials: int,
    small_cell: int,
) -> None:
    """Write the page of an evaluated file to `path`: one system, and nothing over time.

    `classes` are the trials of everybody, `refused` says what of the file could not be read. Raises OSError.
    """
    evaluation = data.without_small(evaluation, small_cell)
    html = render(
        _TEMPLATES,
        "evaluation.html",
        title=f"evaluation of {name}",
        contents=_EVALUATED,
        opened=opening_of(evaluation, limits, rows, labelled),
        refused=refused,
        tenants=(),
        **_rates(evaluation, classes, _NOBODY, limits, min_trials, small_cell),
    )
    path.write_text(html, encoding="utf-8")


def _contents(*, labelled: bool, rejections: bool) -> dict[str, str]:
    """Return the sections that have something to show."""
    left_out = (set() if labelled else _OF_LABELS) | (set() if rejections else {"rejections"})
    return {name: said for name, said in _CONTENTS.items() if name not in left_out}


def _rates(
    evaluation: Evaluation,
    classes: Classes,
    tenants: Mapping[str, Watched],
    limits: Limits,
    min_trials: int,
    small_cell: int,
) -> dict[str, Any]:
    """Return what the sections on error rates show."""
    return {
        "limited": limits != Limits(),
        "marks": sections.marks(min_trials),
        "findings": headline.findings(evaluation),
        "breached": headline.breached(evaluation),
        "figures": [single(*each, min_trials) for each in headline.figures(evaluation, limits)],
        "by_tenant": sections.by_tenant(tenants, evaluation, limits, min_trials),
        "scores": sections.scores(evaluation, classes),
        "curves": sections.curves(evaluation, classes, limits),
        "readings": sections.readings(evaluation),
        "species": sections.species(evaluation, limits, min_trials),
        "segments": sections.segments(evaluation, limits, min_trials, small_cell),
    }


def _timeline(
    traffic: Timeline,
    alarms: Sequence[Alarm],
    incidents: Sequence[Incident],
    markers: Sequence[Marker],
    time_zone: str | None,
) -> Plot:
    zone = zone_words(traffic.buckets[0].start, time_zone)
    numbers = Table(
        f"Counts per {duration(traffic.step_s)}",
        [f"from, {zone}", "transactions", "rejected", "with a liveness score", "liveness failed"],
        [(clock(b.start, time_zone), *(count(n) for n in b[1:])) for b in traffic.buckets],
    )
    caption = (
        f"All tenants together, {zone}. Rejected: asked to retry or referred. "
        "Shaded: an anomaly of a whole tenant was firing. Stretches with hardly any attempts have no rate: "
        "one failure would be a peak; the numbers below have them."
        + (f" The first {MOST_LANES} of {len(incidents)} incidents are drawn." if len(incidents) > MOST_LANES else "")
        + (" Dashed: a change of version." if markers else "")
    )
    return Plot(timeline(traffic, alarms, incidents, markers, time_zone), caption, numbers)


def _changes(markers: Sequence[Marker], time_zone: str | None) -> Table | None:
    """Return the changes that were told; None without any."""
    if not markers:
        return None
    rows = [(minute(each.at, time_zone), each.tenant, each.what) for each in markers]
    return Table("Changes of version", ["at", "tenant", "what"], rows)


def _alarms(alarms: Sequence[Alarm]) -> Table:
    rows = [
        (
            f"{minute(a.start, a.time_zone)} to {minute(a.end, a.time_zone) if a.end else 'the end'}",
            a.tenant, a.segment or "everyone", a.metric, f"{count(a.k)} / {count(a.n)}", percent(a.rate),
            percent(a.baseline_rate), f"{a.ratio:.1f} ×",
        )
        for a in sorted(alarms, key=lambda a: (a.segment is not None, a.start))[:_MOST_ALARMS]
    ]  # fmt: skip
    more = f" The first {_MOST_ALARMS} are listed; anomalies.jsonl has all." if len(alarms) > _MOST_ALARMS else ""
    head = ["firing", "tenant", "segment", "metric", "at its worst", "rate", "baseline", "ratio"]
    return Table(f"{len(alarms)} anomalies of high severity.{more}", head, rows)


def _cases(cases: Counter[tuple[str, str, str, str]]) -> Table | None:
    if not cases:
        return None
    ordered = sorted(cases.items(), key=lambda item: (-item[1], item[0]))
    rows = [(reason_words(why), count(n), *rest) for (why, *rest), n in ordered]
    head = ["first reason", "cases", "queue", "severity", "state"]
    return Table(f"{count(cases.total())} cases were opened: a list to work off, in cases.jsonl", head, rows)
