"""Which checks of an attempt fail, and who comes again: failures cluster by subject, as they do in life."""

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np

from tests.scenarios.arrivals import Attempts, Values, within
from tests.scenarios.effects import CHECKS, DAY_S, Check, Effect
from tests.scenarios.scores import Flags, Floats
from tests.scenarios.tenants import HOURS, Tenant

ATTEMPTS: Final = 4


class Tried(NamedTuple):
    """Attempts with which of their checks failed; the rest as in `Attempts`."""

    at: Floats
    attributes: Values
    failed: dict[Check, Flags]
    number: Values


def first_attempt_rate(rate: float, again: float) -> float:
    """Return how often a first attempt fails where `rate` of all transactions do, and further ones fail by `again`."""
    tail = sum(again**i for i in range(ATTEMPTS))
    return rate / (tail - rate * (tail - again ** (ATTEMPTS - 1)))


def tried(
    random: np.random.Generator, tenant: Tenant, day: int, effects: Sequence[Effect], each: Attempts, worse: Floats
) -> Tried:
    """Return what becomes of attempts; `worse`: how many times as often as usual first ones fail, by hour."""
    hours = np.minimum(each.at // 3_600, HOURS - 1).astype(np.int64)
    failed = {}
    for check, rate in zip(CHECKS, tenant.rates, strict=True):
        chance = first_attempt_rate(rate, tenant.again) * worse[hours]
        again = np.full(len(each.at), tenant.again)
        for effect in effects:
            if effect.check != check or not effect.fails:
                continue
            meant = within(effect, day, each.at, each.attributes)
            passed = (each.at + day * DAY_S - effect.from_s) / DAY_S
            grown = effect.factor * effect.per_day ** np.maximum(passed, 0.0)
            chance = np.where(meant, chance * grown if effect.fixed is None else effect.fixed, chance)
            further = effect.fixed if effect.again is None else effect.again
            again = again if further is None else np.where(meant, further, again)
        chance = np.where(each.before[check], again, chance)
        failed[check] = random.random(len(chance)) < chance
    failed["liveness"] &= ~failed["missing"]
    return Tried(each.at, each.attributes, failed, each.number)


def again(random: np.random.Generator, done: Tried) -> Attempts:
    """Return the next attempts of those that failed, after 30 to 180 seconds, maybe on the next day."""
    some = (done.failed["match"] | done.failed["liveness"] | done.failed["missing"]) & (done.number < ATTEMPTS)
    at = done.at[some] + random.uniform(30.0, 180.0, int(some.sum()))
    return Attempts(at, done.attributes[:, some], {c: f[some] for c, f in done.failed.items()}, done.number[some] + 1)


def part(each: Attempts, which: Flags, shift: float = 0.0) -> Attempts:
    """Return some of the attempts, earlier by `shift` seconds."""
    before = {check: failed[which] for check, failed in each.before.items()}
    return Attempts(each.at[which] - shift, each.attributes[:, which], before, each.number[which])
