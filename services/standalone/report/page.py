"""The report of a run as one HTML file: it opens offline, runs no script and loads nothing."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from proofwatch.biometrics.evaluation import Evaluation
from proofwatch.biometrics.rates import DEFAULT_MIN_TRIALS, Limits
from proofwatch.biometrics.trials import Classes, Cohort
from proofwatch.report.document import document
from proofwatch.report.markup import Html, count, paragraph, percent, plot, section, table, text
from services.standalone.report import headline, sections
from services.standalone.report.timeline import Alarm, Timeline, read_alarms, read_cases, read_timeline
from services.standalone.report.timeline_plot import duration, timeline

_MOST_ALARMS: Final = 100
_CONTENTS: Final = {
    "figures": "Headline figures",
    "scores": "Scores",
    "det": "DET",
    "species": "Attack species",
    "segments": "Segments",
    "timeline": "Timeline",
    "cases": "Cases",
    "reading": "How to read this",
}
_READING: Final = {
    "Limit proven?": "Judged by one-sided 95 % Clopper–Pearson bounds: PASS when the upper bound is within the limit, "
    "BREACH when the lower bound is above it, INSUFFICIENT in between. With no error at all, 2,995 trials prove an "
    "FMR of 0.1 %, 598 an APCER of 0.5 % and 299 a rate of 1 %.",
    "Interval": "Wilson's 95 % interval: where the true rate plausibly lies, given as many trials as there were.",
    "Labels": "Error rates are over labelled transactions only. Traffic without labels has rejection rates, which "
    "mix attacks stopped and customers turned away.",
    "APCER": "Attack presentations classified as bona fide, per species of presentation attack instrument "
    "(ISO/IEC 30107-3). The worst species with enough trials speaks for the system.",
    "Missing scores": "They are failures to acquire or non-responses, with rates of their own, and are never counted "
    "as scores of zero.",
}


def write_report(
    out: Path,
    title: str,
    summary: Mapping[str, Any],
    evaluation: Evaluation,
    cohorts: Mapping[Cohort, Classes],
    *,
    limits: Limits = Limits(),  # noqa: B008 - frozen
    min_trials: int = DEFAULT_MIN_TRIALS,
) -> Path:
    """Write `report.html` into the folder of a run's results, and return its path.

    `out` holds windows.jsonl, anomalies.jsonl and cases.jsonl; `summary` is that of summary.json. `limits` and
    `min_trials` are those that the evaluation was judged by: they are drawn and named, nothing is judged again.
    """
    classes = cohorts.get(None, {})
    traffic, alarms = read_timeline(out / "windows.jsonl"), read_alarms(out / "anomalies.jsonl")
    body = [
        _header(title, headline.opening(summary, evaluation)),
        headline.figures(evaluation, limits),
        sections.distributions(evaluation, classes),
        sections.trade_off(evaluation, classes, limits),
        sections.species(evaluation, limits, min_trials),
        sections.segments(evaluation, limits, min_trials),
        _timeline(traffic, alarms),
        _cases(read_cases(out / "cases.jsonl")),
        _reading(),
    ]
    path = out / "report.html"
    path.write_text(document(title, body), encoding="utf-8")
    return path


def _header(title: str, opening: Html) -> Html:
    links = "".join(f'<a href="#{anchor}">{text(name)}</a>' for anchor, name in _CONTENTS.items())
    nav = f'<nav aria-label="Sections">{links}</nav>'
    return Html(f"<header><h1>Proofwatch: {text(title)}</h1>{opening}{nav}</header>")


def _timeline(traffic: Timeline, alarms: Sequence[Alarm]) -> Html:
    if not traffic.buckets:
        return section("timeline", "Timeline", paragraph("No five-minute window closed, so there is no timeline."))
    numbers = table(
        f"Counts per {duration(traffic.step_s)}",
        ["from (UTC)", "transactions", "rejected", "with a liveness score", "liveness failed"],
        ((f"{b.start:%Y-%m-%d %H:%M}", *(count(n) for n in b[1:])) for b in traffic.buckets),
    )
    caption = (
        "All tenants together. Rejected: asked to retry or referred. Shaded: an anomaly of the whole tenant was firing."
    )
    drawn = plot(timeline(traffic, alarms), caption, numbers)
    if not alarms:
        return section("timeline", "Timeline", drawn, paragraph("No anomaly of high severity was found."))
    rows = [
        (
            f"{a.start:%Y-%m-%d %H:%M} to {f'{a.end:%Y-%m-%d %H:%M}' if a.end else 'the end'}",
            a.tenant, a.segment or "everyone", a.metric, f"{count(a.k)} / {count(a.n)}", percent(a.rate),
            percent(a.baseline_rate), f"{a.ratio:.1f} ×",
        )
        for a in sorted(alarms, key=lambda a: (a.segment is not None, -a.ratio))[:_MOST_ALARMS]
    ]  # fmt: skip
    more = f" The {_MOST_ALARMS} worst are listed; anomalies.jsonl has all." if len(alarms) > _MOST_ALARMS else ""
    head = ["firing (UTC)", "tenant", "segment", "metric", "at its worst", "rate", "baseline", "ratio"]
    listed = table(f"{len(alarms)} anomalies of high severity.{more}", head, rows)
    return section("timeline", "Timeline", drawn, Html(f"<details><summary>The anomalies</summary>{listed}</details>"))


def _cases(cases: Counter[tuple[str, str, str, str]]) -> Html:
    if not cases:
        return section("cases", "Cases for people", paragraph("No case was opened."))
    rows = [(why, count(n), *rest) for (why, *rest), n in sorted(cases.items(), key=lambda item: (-item[1], item[0]))]
    head = ["first reason", "cases", "queue", "severity", "state"]
    return section("cases", "Cases for people", table(f"{count(cases.total())} cases were opened", head, rows))


def _reading() -> Html:
    terms = "".join(f"<dt>{text(term)}</dt><dd>{text(meaning)}</dd>" for term, meaning in _READING.items())
    return section("reading", "How to read this", Html(f"<dl>{terms}</dl>"))
