"""The detectors of minutes, in the order in which they are told. A further one is a module and a line in `DETECTORS`.

One cause is one finding: of the series that share a cause, only the one that fires first is told, of those that fire
with the same minute the first in this order; the others are held back while it fires. What only says that scores are
distributed otherwise holds nothing back but itself.
"""

from typing import Final

from services.aggregator.core.real_time.collapse import collapse
from services.aggregator.core.real_time.detector import Detector
from services.aggregator.core.real_time.few_values import few_values
from services.aggregator.core.real_time.missing_scores import missing_scores
from services.aggregator.core.real_time.saturation import saturation
from services.aggregator.core.real_time.score_shift import score_shift
from services.aggregator.core.real_time.volume import STOPS, SURGES

DETECTORS: Final[tuple[Detector, ...]] = (
    STOPS,
    SURGES,
    missing_scores("liveness"),
    missing_scores("match"),
    collapse("liveness_fail_rate", "down", "liveness"),
    collapse("liveness_fail_rate", "up", "liveness"),
    collapse("match_fail_rate", "down", "match"),
    collapse("match_fail_rate", "up", "match"),
    saturation("liveness", "up"),
    saturation("liveness", "down"),
    saturation("match", "up"),
    saturation("match", "down"),
    few_values("liveness"),
    few_values("match"),
    collapse("rejection_rate", "down", "liveness", "match"),
    collapse("rejection_rate", "up", "liveness", "match"),
    score_shift("liveness", "down"),
    score_shift("liveness", "up"),
    score_shift("match", "down"),
    score_shift("match", "up"),
)
