"""Resident memory over millions of events."""

import json
import time
from collections.abc import Callable
from typing import Final

from proofwatch.events.topics import GUIDANCE, SUSPICIONS, TRANSACTIONS, VERDICTS
from tests.benchmarks.child import Child
from tests.benchmarks.contenders import Failed
from tests.benchmarks.context import Context, Result
from tests.benchmarks.events import PARTITIONS
from tests.benchmarks.figures import high_water, trend
from tests.benchmarks.scorer import Profile

LIMIT: Final = 0.02
FROM: Final = 0.2
HORIZON_MINUTES: Final = 1
_RATE: Final = 25_000
_READY_S: Final = 60.0
_STALLED_S: Final = 60.0
_TRIM_EVERY: Final = 5


def run(context: Context) -> Result:
    """Send events at a steady rate and sample the scorer's memory every second.

    What duplicates are told by is held for one to two horizons of log time, so its memory is a saw-tooth whose height
    is the rate times the horizon. Therefore the horizon is a minute, the least that a policy can have, the rate is
    steady, counting begins after two horizons, and the trend is that of the high-water mark of each horizon.
    """
    warm = context.pick(_RATE * (2 * 60 * HORIZON_MINUTES + 5), _RATE * 4)
    counted = context.pick(5_000_000, 250_000)
    with context.steps("memory", 21) as step:
        samples = _sample(context, warm, warm + counted, step)
    marks = high_water([at for at, _, _ in samples], [mib for _, _, mib in samples], 60.0 * HORIZON_MINUTES)
    kept = [(done, mark) for (_, done, _), mark in zip(samples, marks, strict=True) if done >= FROM * counted]
    line = trend([done for done, _ in kept], [mark for _, mark in kept])
    [began, *_] = [at for at, done, _ in samples if done >= 0]
    return {
        "events": counted,
        "warm_up_events": warm,
        "rate_asked": _RATE,
        "rate": round(counted / ((samples[-1][0] - began) or 1.0)),
        "horizon_minutes": HORIZON_MINUTES,
        "samples": samples,
        "begin_mib": round(line.begin, 1),
        "end_mib": round(line.end, 1),
        "growth": round(line.growth, 4),
        "target": {"growth_below": LIMIT, "from": FROM, "met": line.growth < LIMIT},
    }


def _sample(context: Context, warm: int, total: int, step: Callable[[str], None]) -> list[list[float]]:
    """Return [seconds, events since the end of the warm-up, MiB], a second apart."""
    world = context.world
    world.fresh(keep=())
    profile = Profile("full", world.bootstrap, world.redis_url, horizon_minutes=HORIZON_MINUTES)
    samples: list[list[float]] = []
    with Child("tests.benchmarks.scorer_process", json.dumps(profile._asdict()), 0) as scorer:
        began = scorer.line(_READY_S)[0]
        with Child("tests.benchmarks.load", world.bootstrap, total, _RATE) as load:
            load.line(_READY_S)
            done, moved_at, shown = -1, began, -1
            while done < total:
                time.sleep(1.0)
                at, positions, _ = scorer.newest() or scorer.line(_READY_S)
                if sum(positions) > done:
                    done, moved_at = sum(positions), at
                elif at - moved_at > _STALLED_S:
                    raise Failed(f"the scorer has stood at {done} events for {_STALLED_S} s")
                samples.append([round(at - began, 1), done - warm, round(scorer.rss_mib(), 2)])
                if len(samples) % _TRIM_EVERY == 0:
                    _trim(context, positions)
                while shown < done * 20 // total:
                    shown += 1
                    step(f"{done:,} of {total:,} events")
    return samples


def _trim(context: Context, positions: list[int]) -> None:
    """Bound the disk: let the broker delete what was consumed, and outputs, which nobody reads here."""
    context.world.trim(TRANSACTIONS, dict(enumerate(positions)))
    for topic in (VERDICTS, GUIDANCE, SUSPICIONS):
        context.world.trim(topic, dict.fromkeys(range(PARTITIONS), -1))
