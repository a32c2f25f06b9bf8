"""The words of every rule that has words of its own."""

from proofwatch.detection import real_time_words
from proofwatch.detection.real_time_words import Words
from proofwatch.detection.version_words import version_words
from proofwatch.events.types import Anomaly


def words_of(anomaly: Anomaly) -> Words | None:
    """Return the words for an anomaly that fires; None: its rule has none of its own."""
    return real_time_words.words_of(anomaly) or version_words(anomaly)
