"""Tails of the binomial distribution."""


def at_least(k: int, n: int, p: float) -> float:
    """Return P(X >= k) for X ~ Bin(n, p)."""
    if k <= 0:
        return 1.0
    # Imported on first use: it takes long, and most minutes need no test.
    from scipy.special import betainc

    return float(betainc(k, n - k + 1, p))
