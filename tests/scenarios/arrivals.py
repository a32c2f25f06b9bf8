"""Who comes, when and with which attributes; what an effect does to the number of arrivals and to their attributes."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tests.scenarios.effects import ATTRIBUTES, CHECKS, DAY_S, VALUES, WHOLE, Check, Effect, Slice
from tests.scenarios.scores import MINUTES, Flags, Floats
from tests.scenarios.tenants import HOURS, Tenant, per_minute

Values = NDArray[np.uint8]


class Attempts(NamedTuple):
    """Attempts: seconds of the day, attributes (one row each), which check failed in the one before, their number."""

    at: Floats
    attributes: Values
    before: dict[Check, Flags]
    number: Values


def arrivals(random: np.random.Generator, tenant: Tenant, day: int, effects: Sequence[Effect]) -> Attempts:
    """Return the first attempts of a day of the run."""
    expected = per_minute(tenant, day)
    if tenant.daily:
        expected = expected * np.repeat(np.exp(random.normal(0.0, 0.1, HOURS)), 60)
    minutes = np.repeat(np.arange(MINUTES), random.poisson(expected))
    at: Floats = minutes * 60.0 + random.random(len(minutes)) * 60.0
    attributes = random.integers(0, len(VALUES), (len(ATTRIBUTES), len(at)), dtype=np.uint8)
    if tenant.unused:
        _become(tenant.unused[1], _of_slice(tenant.unused[0], attributes), attributes)
    for effect in effects:
        at, attributes = _of_volume(random, day, effect, at, attributes)
        if effect.becomes:
            _become(effect.becomes, within(effect, day, at, attributes), attributes)
    none = np.zeros(len(at), dtype=np.bool_)
    return Attempts(at, attributes, dict.fromkeys(CHECKS, none), np.ones(len(at), dtype=np.uint8))


def within(effect: Effect, day: int, at: Floats, attributes: Values) -> Flags:
    """Return which attempts are in the slice of an effect, and meanwhile."""
    found = (at >= effect.from_s - day * DAY_S) & (at < effect.until_s - day * DAY_S)
    return found if effect.where == WHOLE else found & _of_slice(effect.where, attributes)


def _of_volume(
    random: np.random.Generator, day: int, effect: Effect, at: Floats, attributes: Values
) -> tuple[Floats, Values]:
    if effect.volume == 1.0:
        return at, attributes
    meant = within(effect, day, at, attributes)
    if effect.volume < 1.0:
        kept = ~meant | (random.random(len(at)) < effect.volume)
        return at[kept], attributes[:, kept]
    more = random.poisson(effect.volume - 1.0, int(meant.sum()))
    at = np.concatenate([at, np.repeat(at[meant], more)])
    return at, np.concatenate([attributes, np.repeat(attributes[:, meant], more, axis=1)], axis=1)


def _become(value: Slice, which: Flags, attributes: Values) -> None:
    attributes[ATTRIBUTES.index(str(value[0])), which] = VALUES.index(str(value[1]))


def _of_slice(where: Slice, attributes: Values) -> Flags:
    found: Flags = attributes[ATTRIBUTES.index(str(where[0]))] == VALUES.index(str(where[1]))
    return found
