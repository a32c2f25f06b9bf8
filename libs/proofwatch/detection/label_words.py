"""What is found of how labels come, in words: rates that need truth are blind without them."""

from collections.abc import Callable, Mapping
from typing import Final

from proofwatch.detection.words import number
from proofwatch.events.types import Anomaly

LABELS: Final = "labels"
"""The metric of how labels come."""
ASK_FOR_LABELS: Final = "ask whoever sends labels what came of them, and since when"


def _stopped(anomaly: Anomaly) -> str:
    return (
        f"No label came for {anomaly.n} days, where {number(anomaly.baseline_rate)} a day are usual: "
        f"every rate that needs labels is blind."
    )


def _few(anomaly: Anomaly) -> str:
    return (
        f"{anomaly.k} labels came in {anomaly.n} days, where {number(anomaly.baseline_rate)} a day or more are usual: "
        f"rates that need labels say little."
    )


def _many(anomaly: Anomaly) -> str:
    return (
        f"{anomaly.k} labels came in {anomaly.n} days, where {number(anomaly.baseline_rate)} a day are the usual most: "
        f"a file may have come twice, or what was late for long."
    )


WORDS_OF_LABELS: Final[Mapping[tuple[str, str], tuple[str, Callable[[Anomaly], str]]]] = {
    ("silence", "down"): ("labels stopped coming", _stopped),
    ("volume", "down"): ("far fewer labels come", _few),
    ("volume", "up"): ("far more labels come", _many),
}
"""By rule and direction, of the metric `labels`."""
