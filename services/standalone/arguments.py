"""Arguments that several commands on score files take."""

import argparse
import re
from math import isfinite
from typing import Final

from proofwatch.biometrics.curve_figures import ThresholdChoice

_TENANT: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")


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


def tenant(text: str) -> str:
    """Return the name of a tenant."""
    if not _TENANT.fullmatch(text):
        raise argparse.ArgumentTypeError(f"{text!r} is no tenant: lower-case letters, digits and hyphens, at most 63")
    return text
