"""Which slices' charts come near their limits: the charts of all slices of a tenant moved side by side, as arrays.

The services move a chart at a time, which takes hours for a tenant-year of twenty slices. Most charts of a quiet year
never come near a limit, and until one does its arithmetic is short: the statistic, its limit, and with each hour what
is usual, how far it varies, and the reference. That is what stands here, for as long as nothing alarms; the slices
that it names are then watched by the code of the services, and by nothing else (`watchers`). A test holds both to the
same numbers.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from proofwatch.detection.findings import PEOPLE_REFERRED, counted_as
from proofwatch.governance.policy import CusumRule
from proofwatch.governance.tenant_days import TenantDays
from services.aggregator.core.cusum import profile, together
from services.aggregator.core.cusum.kinds import rule_of
from services.aggregator.core.cusum.local_hours import SLOTS, dates_in, slots_of
from services.aggregator.core.times import HOUR_MS
from tests.scenarios.tenants import Tenant
from tests.scenarios.watchers import MONITORING, days_of
from tests.scenarios.windows import FIRST, FIVES, METRICS, MONDAY_MS, Day

NEAR: Final = 0.9
"""Of its limit: what comes so far is watched by the services' code."""
CHARTED: Final = (*METRICS, PEOPLE_REFERRED)
_BOUNDS: Final = {PEOPLE_REFERRED: "refer_rate"}
"""Whose expected rate is a metric's, where it has none of its own."""
_FIVE_MS: Final = 300_000
_LEAST: Final = 1e-6
_SIDES: Final = 2
_CHARTS: Final = 2  # against the moving baseline, against the frozen reference

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Places = NDArray[np.int64]


class Usual(NamedTuple):
    """What the charts of each series are compared with: [baseline, reference] rates, and how many trials tell them."""

    p0: Floats
    n: Floats


class Screen:
    """The charts of a tenant's slices, whole one included; a series is a metric of a slice."""

    def __init__(self, rows: int, hours: int, days: TenantDays) -> None:
        """`hours`: how many there will be, from `MONDAY_MS` on."""
        self.rows, self._days = rows, days
        rules = [rule_of(metric, MONITORING.cusum) for metric in CHARTED] * rows
        self._rule: CusumRule = MONITORING.cusum
        self._expected = np.array([MONITORING.expected[_BOUNDS.get(metric, metric)] for metric in CHARTED] * rows)
        self._high = np.array([each.high_limit for each in rules])
        self._low = np.array([each.low_limit for each in rules])
        self._unknown = np.array([each.dispersion_unknown for each in rules])
        odds = np.array([each.odds_ratio for each in rules])
        self._odds = np.stack([odds, 1 / odds])[:, None, :]
        size = rows * len(CHARTED)
        self.row_of = np.arange(size) // len(CHARTED)
        self._first_hour = MONDAY_MS // HOUR_MS
        self._slots = slots_of(days.calendar(MONDAY_MS), self._first_hour + np.arange(hours + 1))
        self._k, self._n = (np.zeros((size, hours + 1)) for _ in range(2))
        self._began = np.full(size, -1)
        self._hour_of = np.full(rows, -1)
        self._known = np.zeros(size, np.bool_)
        self.phi = np.maximum(self._rule.dispersion_floor, self._unknown)
        self.usual = Usual(np.stack([self._expected] * _CHARTS), np.zeros((_CHARTS, size)))
        self._frozen = np.zeros(size, np.bool_)
        self._reference = np.zeros((_CHARTS, size, SLOTS))
        self.statistic, self._trials = (np.zeros((_SIDES, _CHARTS, size)) for _ in range(2))
        self._since = np.zeros((_SIDES, _CHARTS, size), np.int64)
        self._weigh()
        self.near = np.zeros(size, np.bool_)

    def day(self, day: Day) -> None:
        """Move the charts by the windows of a day."""
        names = [counted_as(metric, "first_attempts") if metric in FIRST else metric for metric in CHARTED]
        k, n, every = (
            np.stack([counts[name] for name in which], axis=1).reshape(-1, FIVES).T.astype(float)
            for counts, which in ((day.k, names), (day.n, names), (day.n, CHARTED))
        )
        present = day.n["rejection_rate"].T > 0
        for window in range(FIVES):
            hour = (day.start_ms + window * _FIVE_MS) // HOUR_MS - self._first_hour
            turns = present[window] & (self._hour_of != hour)
            if turns.any():
                self._turn(np.flatnonzero(turns[self.row_of] & self._known), hour)
                self._hour_of[turns] = hour
            active = (every[window] > 0) & present[window][self.row_of]
            self._known |= active
            self._k[:, hour] += np.where(active, k[window], 0)
            self._n[:, hour] += np.where(active, n[window], 0)
            self._move(k[window], n[window], active & (n[window] > 0), hour)

    def _move(self, k: Floats, n: Floats, moves: Flags, hour: int) -> None:
        trials = self._trials + n
        with np.errstate(divide="ignore", invalid="ignore"):
            wider = np.where(self.usual.n > 0, 1 + trials / self.usual.n, 1.0)
        limit = self._high * self.phi * wider
        after = self.statistic + k * self._failure + (n - k) * self._success
        after = np.minimum(limit, np.maximum(0.0, after))
        after[:, 1][:, ~self._frozen] = 0.0
        after[1][:, self.usual.n[0] == 0] = 0.0
        after = np.where(moves, after, self.statistic)
        stands = after > 0
        self._since = np.where(stands & (self.statistic == 0), hour, self._since)
        self._trials = np.where(stands, np.where(moves, trials, self._trials), 0.0)
        self.statistic = after
        self.near |= (moves & (after >= NEAR * limit)).any(axis=(0, 1))

    def _turn(self, of: Places, hour: int) -> None:
        """Tell anew what is usual for these series in the hour that begins."""
        if not len(of):
            return
        low = max(0, hour - profile.KEPT_HOURS)
        k, n = self._k[of, low:hour], self._n[of, low:hour]
        slots = self._slots[low:hour]
        seen = n > 0
        first = low + seen.argmax(axis=1)
        new = seen.any(axis=1) & (self._began[of] < 0)
        self._began[of[new]] = first[new]
        good = seen & (np.arange(low, hour) < self._settled(of, hour)[:, None])
        k, n = np.where(good, k, 0.0), np.where(good, n, 0.0)
        sums = k.sum(axis=1), n.sum(axis=1)
        of_slot = (slots[:, None] == np.arange(SLOTS)).astype(float)
        by_slot = k @ of_slot, n @ of_slot
        self._freeze(of, hour, low, good, sums[0], by_slot)
        oldest = low + good.argmax(axis=1)
        young = (sums[0] < self._rule.baseline_failures) & (hour - oldest < 24 * self._rule.baseline_days)
        policy = (sums[1] == 0) | young
        expected, slot = self._expected[of], self._slots[hour]
        self.usual.p0[0, of] = np.where(policy, expected, _rate(*by_slot, expected, slot))
        self.usual.n[0, of] = np.where(policy, 0, sums[1])
        held = np.flatnonzero(self._frozen[of])
        kept = self._reference[:, of[held]]
        self.usual.p0[1, of[held]] = _rate(kept[0], kept[1], expected[held], slot)
        self.usual.n[1, of[held]] = kept[1].sum(axis=1)
        self.phi[of] = self._dispersion(of, k, n, good, slots, by_slot)
        self._weigh()

    def _settled(self, of: Places, hour: int) -> Places:
        """Return before which hour counts are settled: the change point of whatever climbs."""
        statistic, trials, since = (each[:, :, of] for each in (self.statistic, self._trials, self._since))
        climbs = (statistic >= self._low[of] * self.phi[of] / 4) & (trials <= self.usual.n[0, of])
        climbs &= hour - since < 24 * self._rule.left_out_days
        found: Places = np.where(climbs, since, hour).min(axis=(0, 1))
        return found

    def _freeze(self, of: Places, hour: int, low: int, good: Flags, k: Floats, by_slot: tuple[Floats, Floats]) -> None:
        old = (hour - self._began[of] >= profile.KEPT_HOURS) & (k >= self._rule.baseline_failures)
        calendar = self._days.calendar((self._first_hour + hour) * HOUR_MS)
        for at in np.flatnonzero(old & ~self._frozen[of] & (self._began[of] >= 0)):
            dates = dates_in(calendar, self._first_hour + low + np.flatnonzero(good[at]))
            if dates >= profile._REFERENCE_DATES:
                self._frozen[of[at]] = True
                self._reference[:, of[at]] = by_slot[0][at], by_slot[1][at]

    def _dispersion(
        self, of: Places, k: Floats, n: Floats, good: Flags, slots: Places, by_slot: tuple[Floats, Floats]
    ) -> Floats:
        floor, unknown = self._rule.dispersion_floor, self._unknown[of]
        of_k, of_n = (each.sum(axis=1) for each in by_slot)
        told = of_k > 0
        rates, fitted = _profile(*by_slot, of_k / np.maximum(of_n, 1))
        expected = n * rates[:, slots]
        group = np.floor((np.cumsum(expected, axis=1) - expected / 2) / together._GROUP)
        row, column = np.nonzero(good & told[:, None])
        group = group[row, column]
        begins = np.ones(len(row), np.bool_)
        begins[1:] = (row[1:] != row[:-1]) | (group[1:] != group[:-1])
        place = np.cumsum(begins) - 1
        k_in, n_in, e_in = (np.bincount(place, each[row, column]) for each in (k, n, expected))
        rate, row_of = e_in / n_in, row[begins]
        parts = (k_in - n_in * rate) ** 2 / (n_in * rate * (1 - rate))
        groups = np.bincount(row_of, minlength=len(of))
        squares = np.bincount(row_of, parts, len(of))
        measured = np.where(groups < 2, unknown, np.maximum(1.0, squares / np.maximum(groups - 1, 1)))
        measured *= np.maximum(1.0, (groups - 1) / np.maximum(1.0, groups - 1 - fitted))
        prior = together._PRIOR_GROUPS
        pooled = (groups * measured + prior * unknown) / (groups + prior)
        return np.maximum(floor, np.where(told, pooled, unknown))

    def _weigh(self) -> None:
        self._success = -np.log1p(self.usual.p0[None] * (self._odds - 1))
        self._failure = np.log(self._odds) + self._success


def named(days: Sequence[Day], tenant: Tenant) -> frozenset[int]:
    """Return the places (in `SLICES`) of the slices of which a chart comes near its limit in these days."""
    screen = Screen(len(days[0].n["rejection_rate"]), len(days) * 24, days_of(tenant))
    for day in days:
        screen.day(day)
    return frozenset(screen.row_of[screen.near].tolist())


def _rate(k: Floats, n: Floats, expected: Floats, slot: int) -> Floats:
    """Return the rate of a slot, from counts [series, slot]."""
    pooled = (k.sum(axis=1) + 1) / (n.sum(axis=1) + 1 / expected)
    found: Floats = _profile(k, n, pooled)[0][:, slot]
    return found


def _profile(k: Floats, n: Floats, rate: Floats) -> tuple[Floats, Floats]:
    """Return rates [series, slot] and how many were fitted."""
    k_of, n_of = (each.reshape(-1, 2, 24) for each in (k, n))
    rates, fitted = np.broadcast_to(rate[:, None, None], k_of.shape), np.zeros(len(k))
    for axes, shrink, free in together._STEPS:
        seen, awaited = (np.add.reduce(each, axes, keepdims=True) for each in (k_of, n_of * rates))
        weight = awaited + shrink
        rates = np.clip(rates * (seen + shrink) / weight, _LEAST, 1 - _LEAST)
        fitted = fitted + free * (awaited / weight).sum(axis=(1, 2))
    return rates.reshape(len(k), SLOTS), fitted
