"""What is found in minutes is told in plain words: what, since when, against what."""

from datetime import timedelta
from typing import Any

import pytest

from proofwatch.detection.finding_words import finding_sentence
from proofwatch.detection.real_time_words import words_of
from services.aggregator.core.real_time import DETECTORS
from tests.unit.detection.anomalies import MIDNIGHT, anomaly


def found(rule: str, direction: str, **given: Any) -> str:
    since = MIDNIGHT - timedelta(minutes=7)
    failed = 0 if direction == "down" else 1000
    more: dict[str, Any] = {"k": failed if rule == "collapse" else 41, "n": 1000, "baseline": 0.01} | given
    fired = anomaly(rule=rule, direction=direction, since=since, **more)
    return finding_sentence(fired, "all of bank")


@pytest.mark.parametrize(
    ("rule", "direction", "words"),
    [
        ("collapse", "down", "Nobody failed in 1000 trials, where about 20 usually do"),
        ("collapse", "up", "All of 1000 trials failed, of which 1 % usually do"),
        ("saturation", "up", "41 of 1000 scores are at the upper end of the scale, where 1 % usually are"),
        ("saturation", "down", "at the lower end"),
        ("few_values", "down", "Scores are nearly all alike: 4.1 % of their pairs are, 1 % usually"),
        ("missing_scores", "up", "41 of 1000 requested scores did not come, where 1 % usually do not"),
        ("volume", "down", "41 transactions came in 1000 minutes, where at least 0.6 an hour were to be expected"),
        ("volume", "up", "41 transactions came within 1000 minutes"),
    ],
)
def test_a_sentence_each(rule: str, direction: str, words: str) -> None:
    """It says what was seen, what is usual, and since when."""
    said = found(rule, direction, statistic=20.4)
    assert words in said
    assert said.count("since 2026-03-01 23:53 UTC") == 1


@pytest.mark.parametrize(
    ("rule", "direction", "words"),
    [
        (
            "silence",
            "down",
            "No label came for 1000 days, where 0.01 a day are usual: every rate that needs labels is blind",
        ),
        ("volume", "down", "41 labels came in 1000 days, where 0.01 a day or more are usual"),
        ("volume", "up", "41 labels came in 1000 days, where 0.01 a day are the usual most"),
    ],
)
def test_of_labels_a_sentence_each(rule: str, direction: str, words: str) -> None:
    """Labels are no transactions."""
    said = found(rule, direction, metric="labels")
    assert words in said
    assert said.count("since 2026-03-01 23:53 UTC") == 1


def test_what_came_in_between_is_counted() -> None:
    """A run of nobody may have had one; what fires for long says how far it has come."""
    said = found("collapse", "down", k=2, affected=198.0)
    assert "Only 2 failed in 1000 trials, where about 200 usually do" in said
    assert "990 of 1000 trials failed, of which 1 % usually do" in found("collapse", "up", k=990)


def test_every_detector_has_words() -> None:
    """None is told by its code alone."""
    for each in DETECTORS:
        assert words_of(anomaly(rule=each.rule, direction=each.direction)) is not None
