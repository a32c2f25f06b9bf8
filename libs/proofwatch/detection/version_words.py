"""What was found of a new version, or of durations that jumped, in a sentence of plain words."""

from typing import Final

from proofwatch.detection.real_time_words import Words
from proofwatch.detection.words import number, percent
from proofwatch.events.types import Anomaly
from proofwatch.local_time import minute

VERSION_CHANGE: Final = "version_change"
TIMING_JUMP: Final = "timing_jump"


def version_words(anomaly: Anomaly) -> Words | None:
    """Return the words for a finding of these rules; None: it is of another."""
    if anomaly.rule not in (VERSION_CHANGE, TIMING_JUMP):
        return None
    since = f", since {minute(anomaly.since or anomaly.window_start, anomaly.time_zone)}."
    if anomaly.metric.endswith("_ms"):
        return Words("it takes longer", _longer(anomaly) + since)
    if anomaly.metric.endswith("_score"):
        way = "higher" if anomaly.direction == "up" else "lower"
        return Words(f"scores lie {way} with the new version", _otherwise(anomaly, way) + since)
    way = "more" if anomaly.direction == "up" else "fewer"
    return Words(f"{way} with the new version", _rate(anomaly) + since)


def _longer(anomaly: Anomaly) -> str:
    before = "the version before" if anomaly.rule == VERSION_CHANGE else "the days before"
    return (
        f"It takes {number(anomaly.statistic or 0.0)} times as long (a finding from {number(anomaly.threshold or 0.0)} "
        f"on): {anomaly.k:,} of {anomaly.n:,} take longer than all but {percent(anomaly.baseline_rate)} did with "
        f"{before}"
    )


def _otherwise(anomaly: Anomaly, way: str) -> str:
    return (
        f"Scores lie {way} by {number(anomaly.statistic or 0.0)} standard deviations of ranks (a finding from "
        f"{number(anomaly.threshold or 0.0)} on): {percent(anomaly.rate)} of {anomaly.n:,} lie below a score that "
        f"{percent(anomaly.baseline_rate)} lay below with the version before"
    )


def _rate(anomaly: Anomaly) -> str:
    said = (
        f"{anomaly.k:,} of {anomaly.n:,} = {percent(anomaly.rate)} (95 % interval {percent(anomaly.low)} to "
        f"{percent(anomaly.high)}), where {percent(anomaly.baseline_rate)} were to be expected of the version before"
    )
    if anomaly.severity == "high":
        return said
    return (
        f"{said}; its people may be others than those of the version before, as where it begins in one country: from "
        f"{number(anomaly.threshold or 0.0)} times as many on people alone do not explain it, it is "
        f"{number(anomaly.statistic or 0.0)} times"
    )
