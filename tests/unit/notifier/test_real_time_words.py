"""What is found in minutes is told in plain words: what, since when, against what."""

from datetime import timedelta
from typing import Any

import pytest

from proofwatch.detection.real_time_words import words_of
from services.aggregator.core.real_time import DETECTORS
from services.notifier.core.facts import of_anomaly
from tests.unit.notifier.events import AT, anomaly


def found(rule: str, direction: str, **given: Any) -> str:
    fact = of_anomaly(anomaly(rule=rule, direction=direction, since=AT - timedelta(minutes=7), **given))
    assert fact is not None
    return f"{fact.title}. {fact.summary}"


@pytest.mark.parametrize(
    ("rule", "direction", "words"),
    [
        ("collapse", "down", "Nobody failed in 1000 trials, where 20 failures or more were to be expected"),
        ("collapse", "up", "All of 1000 trials failed, of which 1 % usually do"),
        ("saturation", "up", "41 of 1000 scores are at the upper end of the scale, where 1 % usually are"),
        ("saturation", "down", "at the lower end"),
        ("few_values", "down", "Scores are nearly all alike: 4.1 % of their pairs are, 1 % usually"),
        ("missing_scores", "up", "41 of 1000 requested scores did not come, where 1 % usually do not"),
        ("volume", "down", "41 transactions came in 1000 minutes, where at least 0.01 a minute were to be expected"),
        ("volume", "up", "41 transactions came within 1000 minutes"),
    ],
)
def test_a_sentence_each(rule: str, direction: str, words: str) -> None:
    """It says what was seen, what is usual, and since when."""
    said = found(rule, direction, statistic=20.4)
    assert words in said
    assert "since 2025-12-31 23:53 UTC." in said


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
    assert "since 2025-12-31 23:53 UTC." in said


def test_every_detector_has_words() -> None:
    """None is told by its code alone."""
    for each in DETECTORS:
        assert words_of(anomaly(rule=each.rule, direction=each.direction)) is not None


def test_its_end_is_told_in_words_too() -> None:
    """No baseline of a rate is spoken of."""
    said = found("volume", "down", state="resolved")
    assert "is as usual again" in said
    assert "baseline" not in said
