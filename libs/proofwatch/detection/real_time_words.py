"""What the detectors of minutes found, in a sentence of plain words: what, since when, against what."""

from collections.abc import Callable
from typing import Final, NamedTuple

from proofwatch.detection.label_words import WORDS_OF_LABELS
from proofwatch.detection.words import number, percent
from proofwatch.events.types import Anomaly
from proofwatch.local_time import minute


class Words(NamedTuple):
    """The end of a title, and a sentence."""

    title: str
    sentence: str


def words_of(anomaly: Anomaly) -> Words | None:
    """Return the words for an anomaly that fires; None: its rule has none of its own."""
    words = WORDS_OF_LABELS if anomaly.metric == "labels" else _WORDS
    found = words.get((anomaly.rule, anomaly.direction or "up"))
    if found is None:
        return None
    title, sentence = found
    return Words(
        title, f"{sentence(anomaly)[:-1]}, since {minute(anomaly.since or anomaly.window_start, anomaly.time_zone)}."
    )


def _nobody_fails(anomaly: Anomaly) -> str:
    usual = anomaly.k + anomaly.affected if anomaly.affected is not None else anomaly.statistic or 0.0
    who = f"Only {anomaly.k}" if anomaly.k else "Nobody"
    return (
        f"{who} failed in {anomaly.n} trials, where about {usual:,.0f} usually do: the check may be letting "
        f"everybody through."
    )


def _nobody_passes(anomaly: Anomaly) -> str:
    failed = f"All of {anomaly.n}" if anomaly.k == anomaly.n else f"{anomaly.k} of {anomaly.n}"
    return f"{failed} trials failed, of which {percent(anomaly.baseline_rate)} usually do."


def _at_the_end(anomaly: Anomaly) -> str:
    end = "upper" if anomaly.direction == "up" else "lower"
    usual = percent(anomaly.baseline_rate)
    return f"{anomaly.k} of {anomaly.n} scores are at the {end} end of the scale, where {usual} usually are."


def _all_alike(anomaly: Anomaly) -> str:
    alike, usual = percent(anomaly.rate), percent(anomaly.baseline_rate)
    return f"Scores are nearly all alike: {alike} of their pairs are, {usual} usually."


def _moved(anomaly: Anomaly) -> str:
    usual, at = percent(anomaly.baseline_rate), anomaly.at_score or 0.0
    moved = "fell" if anomaly.direction == "down" else "rose"
    share = percent(anomaly.rate)
    return f"Scores {moved}: {share} of {anomaly.n} are below {number(at, 4)}, where {usual} usually are."


def _missing(anomaly: Anomaly) -> str:
    usual = percent(anomaly.baseline_rate)
    return f"{anomaly.k} of {anomaly.n} requested scores did not come, where {usual} usually do not."


def _stopped(anomaly: Anomaly) -> str:
    each, of = (
        (anomaly.baseline_rate, "a minute") if anomaly.baseline_rate >= 1 else (60 * anomaly.baseline_rate, "an hour")
    )
    came = f"{anomaly.k} transaction{'' if anomaly.k == 1 else 's'} came"
    return f"{came} in {anomaly.n} minutes, where at least {number(each)} {of} were to be expected."


def _surged(anomaly: Anomaly) -> str:
    return (
        f"{anomaly.k} transactions came within {anomaly.n} minutes, where {number(anomaly.baseline_rate)} a minute are "
        f"the usual most."
    )


_WORDS: Final[dict[tuple[str, str], tuple[str, Callable[[Anomaly], str]]]] = {
    ("collapse", "down"): ("nobody fails any more", _nobody_fails),
    ("collapse", "up"): ("nobody passes any more", _nobody_passes),
    ("saturation", "up"): ("scores are at the upper end", _at_the_end),
    ("saturation", "down"): ("scores are at the lower end", _at_the_end),
    ("few_values", "down"): ("scores are all alike", _all_alike),
    ("score_shift", "down"): ("scores fell", _moved),
    ("score_shift", "up"): ("scores rose", _moved),
    ("missing_scores", "up"): ("scores do not come", _missing),
    ("volume", "down"): ("traffic has all but stopped", _stopped),
    ("volume", "up"): ("traffic surges", _surged),
}
