"""How much more counts vary than independent trials would, and how far limits must be moved for it.

Traffic is not binomial: retries cluster, hours differ. phi is Pearson's statistic over its degrees of freedom
(McCullagh & Nelder 1989, section 4.5), never below 1: a limit on a log-likelihood scale, as that of a CUSUM, is
multiplied by phi, a variance too.

phi was measured on windows of some length. On longer ones it need not be the same, and two laws bracket what is seen:
clusters of retries keep phi as it is (quasi-binomial, variance phi mu), while hours that differ make it grow with the
count (negative binomial, variance mu + alpha mu^2, so phi = 1 + alpha mu). `phi_at` takes the larger of both.
"""

from collections.abc import Iterable, Sequence


def pearson_dispersion(windows: Sequence[tuple[int, int]], expected: Sequence[float] | None = None) -> float | None:
    """Return phi >= 1 of windows (failures, trials), against the pooled rate or an `expected` rate for each window.

    Windows without trials are left out. With an expected rate in 0..1 each, such as an hour-of-day profile, its number
    of fitted parameters is not known here and one is taken off, as for the pooled rate. None with fewer than two
    windows or a rate of 0 or 1, where nothing can vary. Windows that expect less than one failure make phi uncertain:
    pool them first. Raises ValueError for impossible counts or rates.
    """
    for k, n in windows:
        if not 0 <= k <= n:
            raise ValueError(f"{k} failures in {n} trials, but 0 <= failures <= trials must hold")
    if expected is not None and len(expected) != len(windows):
        raise ValueError(f"{len(windows)} windows, but {len(expected)} expected rates")
    total = sum(n for _, n in windows)
    pooled = sum(k for k, _ in windows) / total if total else 0.0
    rates = [pooled] * len(windows) if expected is None else list(expected)
    if not all(0.0 <= p <= 1.0 for p in rates):
        raise ValueError("expected rates must lie within 0..1")
    used = [(k, n, p) for (k, n), p in zip(windows, rates, strict=True) if n and 0.0 < p < 1.0]
    return phi_of_parts([(k - n * p) * (k - n * p) / (n * p * (1 - p)) for k, n, p in used])


def poisson_dispersion(counts: Sequence[int], expected: Sequence[float]) -> float | None:
    """Return phi >= 1 of event counts against the counts expected in the same windows; None as `pearson_dispersion`.

    Windows that expect nothing are left out. Raises ValueError for negative numbers or lists of different length.
    """
    if len(counts) != len(expected) or any(c < 0 for c in counts) or any(not e >= 0.0 for e in expected):
        raise ValueError("needs as many expected counts as counts, none negative")
    return phi_of_parts([(c - e) ** 2 / e for c, e in zip(counts, expected, strict=True) if e])


def phi_at(phi: float, measured_on: float, mean: float) -> float:
    """Return the dispersion of windows that expect `mean` failures, when phi was measured on `measured_on` failures.

    The larger of the quasi-binomial law (phi itself) and the negative binomial one, 1 + (phi - 1) mean / measured_on.
    Raises ValueError when phi is below 1, `measured_on` is not positive or `mean` is negative.
    """
    if not phi >= 1.0 or not measured_on > 0.0 or not mean >= 0.0:
        raise ValueError(f"phi {phi!r} must be >= 1, measured_on {measured_on!r} > 0 and mean {mean!r} >= 0")
    return max(phi, 1 + (phi - 1) * mean / measured_on)


def phi_of_parts(parts: Iterable[float]) -> float | None:
    """Return phi of the parts that windows have in Pearson's statistic, (k - n p)^2 / (n p (1 - p)) each.

    For whoever has many series at once: nothing is checked. None of fewer than two.
    """
    squares = list(parts)
    return None if len(squares) < 2 else max(1.0, sum(squares) / (len(squares) - 1))
