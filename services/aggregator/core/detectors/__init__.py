"""The rules by which windows are judged. A further one is a module beside these and a line in `DETECTORS`."""

from typing import Final

from services.aggregator.core.detectors.detector import Detector
from services.aggregator.core.detectors.twice_baseline import TWICE_BASELINE

DETECTORS: Final[tuple[Detector, ...]] = (TWICE_BASELINE,)
"""In the order in which they judge each rate of a window."""
