"""Arguments that several commands on score files take."""

import argparse
from math import isfinite

from proofwatch.biometrics.curve_figures import ThresholdChoice


def threshold(text: str) -> ThresholdChoice:
    """Return a threshold argument: any finite number, or `eer`."""
    if text == "eer":
        return "eer"
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not isfinite(value):
        raise argparse.ArgumentTypeError(f"{text!r} is neither a finite number such as 0.85 nor eer")
    return value
