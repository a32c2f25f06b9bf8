"""Proxies from counters."""

from services.aggregator.core.figures import proxies


def test_proxies_follow_the_table_of_counters() -> None:
    """k and n as docs/architecture.md defines them; no limit, hence no status."""
    counts = {
        "transactions": 100,
        "decision.accept": 80,
        "decision.retry": 15,
        "decision.refer": 5,
        "match.pass": 70,
        "match.marginal": 10,
        "match.fail": 12,
        "match.missing": 8,
        "liveness.pass": 90,
        "liveness.fail": 6,
        "liveness.missing": 4,
    }
    found = {figure.metric: figure for figure in proxies(counts)}
    assert {name: (figure.k, figure.n) for name, figure in found.items()} == {
        "rejection_rate": (20, 100),
        "retry_rate": (15, 100),
        "refer_rate": (5, 100),
        "match_fail_rate": (12, 92),
        "liveness_fail_rate": (6, 96),
        "fta_rate": (12, 200),
    }
    assert all(figure.status is None and figure.limit is None for figure in found.values())
    rejection = found["rejection_rate"]
    assert rejection.low is not None
    assert rejection.high is not None
    assert rejection.value is not None
    assert rejection.low < rejection.value < rejection.high


def test_a_rate_without_trials_is_null_not_zero() -> None:
    """Liveness was never requested, so it has no failure rate."""
    figure = next(f for f in proxies({"transactions": 1, "match.pass": 1}) if f.metric == "liveness_fail_rate")
    assert (figure.k, figure.n, figure.value, figure.low) == (0, 0, None, None)
