"""From the moment an event was due to the moment an independent reader of committed records sees its verdict."""

import json
import tempfile
import time
from array import array
from pathlib import Path
from typing import Any, Final

from tests.benchmarks.child import Child
from tests.benchmarks.context import Context, Result
from tests.benchmarks.figures import histogram, quantile
from tests.benchmarks.scorer import Profile

TARGET_RATE: Final = 2_000
P50_MS: Final = 10.0
P99_MS: Final = 50.0
_RATES: Final = (200, TARGET_RATE, 5_000)
_EDGES_MS: Final = tuple(round(10 ** (step / 10), 3) for step in range(-5, 36))  # 0.316 ms … 3.2 s, ten a decade
_READY_S: Final = 60.0
_WAIT_S: Final = 15.0


def run(context: Context) -> Result:
    """Measure at each rate, everything on, each with a scorer process of its own."""
    seconds, warm_s = context.pick(60, 8), context.pick(5, 3)
    rates = _RATES if not context.quick else (TARGET_RATE,)
    broker_warm_s = context.pick(40, 10)
    with context.steps("latency", 1 + len(rates)) as step:
        rows = []
        step(f"warming the broker for {broker_warm_s} s")
        _at(context, TARGET_RATE, 1, broker_warm_s)
        for rate in rates:
            step(f"{rate} events/s for {warm_s} + {seconds} s")
            rows.append(_at(context, rate, seconds, warm_s))
    met = [row["p50_ms"] <= P50_MS and row["p99_ms"] <= P99_MS for row in rows if row["rate"] == TARGET_RATE]
    return {
        "seconds": seconds,
        "broker_warm_up_seconds": broker_warm_s,
        "warm_up_seconds": warm_s,
        "edges_ms": list(_EDGES_MS),
        "rates": rows,
        "target": {"rate": TARGET_RATE, "p50_ms": P50_MS, "p99_ms": P99_MS, "met": all(met)},
    }


def _at(context: Context, rate: int, seconds: int, warm_s: int) -> dict[str, Any]:
    context.world.fresh(keep=())
    count, bootstrap = rate * (warm_s + seconds), context.world.bootstrap
    profile = json.dumps(Profile("full", bootstrap, context.world.redis_url)._asdict())
    with tempfile.TemporaryDirectory() as scratch, Child("tests.benchmarks.scorer_process", profile, 0) as scorer:
        file = Path(scratch) / "arrivals"
        scorer.line(_READY_S)
        with Child("tests.benchmarks.observer", bootstrap, count, _WAIT_S, file) as observer:
            observer.line(_READY_S)
            before_s = _processor(scorer)
            with Child("tests.benchmarks.load", bootstrap, count, rate) as load:
                start = load.line(_READY_S)["start"]
                late_ms = load.line(warm_s + seconds + _READY_S)["late_ms"]
            seen = observer.line(_READY_S)
        used_s = _processor(scorer) - before_s
        arrivals = array("d", file.read_bytes())
    first = rate * warm_s
    due = [(start + number / rate, arrivals[number]) for number in range(first, count)]
    latencies = sorted((seen_at - due_at) * 1000 for due_at, seen_at in due if seen_at)
    return {
        "rate": rate,
        "events": count - first,
        "missing": count - seen["seen"],
        "repeated": seen["repeated"],
        **{
            f"p{str(share * 100).rstrip('0').rstrip('.')}_ms": _ms(latencies, share)
            for share in (0.5, 0.9, 0.99, 0.999)
        },
        "max_ms": round(latencies[-1], 2),
        "histogram": histogram(latencies, _EDGES_MS),
        "generator_late_ms": late_ms,
        "scorer_cost_us": round(used_s / count * 1e6, 1),
    }


def _ms(latencies: list[float], share: float) -> float:
    return round(quantile(latencies, share), 2)


def _processor(scorer: Child) -> float:
    """Return the processor seconds that the scorer has used up to now."""
    scorer.newest()
    time.sleep(0.2)
    used: float = scorer.line(_READY_S)[2]
    return used
