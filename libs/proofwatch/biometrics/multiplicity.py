"""p values corrected for their number: which of many tests still count when all are looked at.

* Holm (1979) keeps the chance of *any* false rejection, under any dependence: for what starts an action.
* Benjamini & Hochberg (1995) keeps the expected *share* of false rejections, under independence or positive dependence.
* Benjamini & Yekutieli (2001) does so under any dependence, at the cost of a factor of about ln(number).

All return corrected p values in the order given, to be compared with the level itself. A list without tests is empty.
"""

from collections.abc import Sequence


def holm(p_values: Sequence[float]) -> list[float]:
    """Return Holm's step-down corrected p values. Raises ValueError when one is outside 0..1."""
    _check(p_values)
    corrected = [0.0] * len(p_values)
    largest = 0.0
    for place, at in enumerate(sorted(range(len(p_values)), key=lambda i: p_values[i])):
        largest = max(largest, min(1.0, (len(p_values) - place) * p_values[at]))
        corrected[at] = largest
    return corrected


def benjamini_hochberg(p_values: Sequence[float]) -> list[float]:
    """Return the step-up corrected p values of Benjamini & Hochberg. Raises ValueError when one is outside 0..1."""
    _check(p_values)
    return _step_up(p_values, 1.0)


def benjamini_yekutieli(p_values: Sequence[float]) -> list[float]:
    """Return the step-up corrected p values of Benjamini & Yekutieli. Raises ValueError when one is outside 0..1."""
    _check(p_values)
    return _step_up(p_values, sum(1 / i for i in range(1, len(p_values) + 1)))


def _step_up(p_values: Sequence[float], factor: float) -> list[float]:
    corrected = [0.0] * len(p_values)
    smallest = 1.0
    ranked = sorted(range(len(p_values)), key=lambda i: p_values[i])
    for rank in range(len(ranked), 0, -1):
        at = ranked[rank - 1]
        smallest = min(smallest, factor * len(p_values) * p_values[at] / rank)
        corrected[at] = smallest
    return corrected


def _check(p_values: Sequence[float]) -> None:
    wrong = [p for p in p_values if not 0.0 <= p <= 1.0]
    if wrong:
        raise ValueError(f"p values lie within 0..1, got {wrong[:3]}")
