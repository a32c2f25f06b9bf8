"""Root slice: which slice a tenant's excess comes from, by the counts of its slices in one window.

One cause moves many slices: a handset under attack raises the rates of its OS, of every country and of the whole
tenant. The root is the smallest set of values of one attribute that together hold `SHARE` of the tenant's excess and
without which the rest is lower than it would be were the excess spread evenly (`_APART` standard deviations), or one
that stands out from the rest by twice that: of a small tenant the rest expects too few failures to be that low. Only
marginal counts are needed. Pairs of attributes are not looked for: marginals cannot tell them.
"""

from collections.abc import Collection, Mapping, Sequence
from math import sqrt
from typing import Final, NamedTuple

from proofwatch.detection.findings import PROTECTED, WHOLE, Slice

SHARE: Final = 0.8
"""What a root holds of its tenant's excess at least."""
_APART: Final = 3.0
_STANDS: Final = 6.0
_DISTINCT: Final = 6.0
"""Standard deviations of a slice's failures above what the rest of its tenant shows meanwhile: then it is a cause of
its own beside the tenant's. While a whole tenant fires, the highest of its slices come to five by chance, for they are
looked at all the time."""
_PART: Final = 0.5
AS_FEW: Final = 2.0
"""A slice explains as much with about as few as another where it has no more than so many times its trials."""
_MOST: Final = 0.5
_ALIKE: Final = 0.05
"""Slices whose trials differ by less than this cannot be told apart."""


class Counts(NamedTuple):
    """k of n trials of a slice, and the rate that was to be expected of it.

    `stated`: the excess where a detector states it, else it is that of the counts. `down`: too few are the excess.
    """

    k: int
    n: int
    baseline: float
    down: bool = False
    stated: float | None = None

    @property
    def excess(self) -> float:
        """Return k − n·baseline, the other way round if `down`."""
        if self.stated is not None:
            return self.stated
        beyond = self.k - self.n * self.baseline
        return -beyond if self.down else beyond

    @property
    def score(self) -> float:
        """Return the excess in standard deviations of what was expected, at least one event."""
        return self.excess / sqrt(max(self.n * self.baseline, 1.0))


class Root(NamedTuple):
    """A root, its part in the excess of the tenant (0 … 1), what remains without it, and what cannot be told from it.

    `share` and `rest` are None where the tenant's own counts are not known.
    """

    where: Slice
    counts: Counts
    share: float | None = None
    rest: Counts | None = None
    confounded: tuple[Slice, ...] = ()


class _Option(NamedTuple):
    values: tuple[Slice, ...]
    n: int
    share: float
    apart: bool


def roots(table: Mapping[Slice, Counts], raised: Collection[Slice]) -> tuple[Root, ...]:
    """Return the roots of the excess in one window of a metric, the largest first; () if the counts single none out.

    `table` has the counts of slices, the whole tenant's among them; `raised` are those that fire.
    """
    whole = table.get(WHOLE)
    if whole is None or whole.n <= 0:
        return ()
    by_name: dict[str, list[Slice]] = {}
    for each in sorted(raised, key=str):
        if each[0] is not None and each in table and table[each].excess > 0:
            by_name.setdefault(each[0], []).append(each)
    options = [option for values in by_name.values() if (option := _option(whole, table, values))]
    telling = [option for option in options if option.apart]
    if not telling:
        return ()
    best = _best(telling, whole)
    alike = tuple(
        option.values[0]
        for option in options
        if option is not best and len(option.values) == 1 and abs(option.n - best.n) <= _ALIKE * best.n
    )
    found = [_root(whole, table[value], value, alike if len(best.values) == 1 else ()) for value in best.values]
    return tuple(sorted(found, key=lambda root: (-root.counts.excess, root.where)))


def holders(table: Mapping[Slice, Counts]) -> frozenset[Slice]:
    """Return the slices that each hold `SHARE` of the tenant's excess: their failures are nearly the same ones."""
    whole = table.get(WHOLE)
    if whole is None or whole.excess <= 0:
        return frozenset()
    return frozenset(each for each in table if each != WHOLE and table[each].excess >= SHARE * whole.excess)


def as_much(table: Mapping[Slice, Counts], raised: Collection[Slice]) -> frozenset[Slice]:
    """Return the slices that hold nearly all trials and excess of the tenant: the counts cannot tell them from it."""
    whole = table.get(WHOLE)
    if whole is None:
        return frozenset()
    enough, least = (1 - _ALIKE) * whole.n, SHARE * whole.excess
    return frozenset(
        each for each in raised if each in table and table[each].n >= enough and table[each].excess >= least
    )


def takes_away(whole: Counts, part: Counts) -> bool:
    """Return whether a tenant's excess would be none to speak of without a slice, which differs from the rest.

    So where it began before the slice's did, as a chart's does that was low for days: until then it was told to nobody,
    and what remains of it is. `_STANDS` is what a chart of doubled odds is high at, 15 (log likelihood), as deviations.
    """
    rest_n, rest_k = whole.n - part.n, whole.k - part.k
    if rest_n <= _ALIKE * whole.n or part.excess <= 0:
        return False
    rest = Counts(max(0, rest_k), rest_n, whole.baseline, whole.down)
    usual = max(part.n * (rest.k / rest.n), part.n * part.baseline, 1.0)
    apart = (usual - part.k if whole.down else part.k - usual) >= _APART * sqrt(usual)
    return apart and rest.score < _STANDS and part.excess >= _PART * whole.excess


def whole_root(table: Mapping[Slice, Counts]) -> Root:
    """Return the whole tenant as the root."""
    return Root(WHOLE, table[WHOLE], 1.0)


def single(table: Mapping[Slice, Counts], where: Slice) -> Root:
    """Return a slice as the root, with its share where the whole is known."""
    whole = table.get(WHOLE)
    return Root(where, table[where]) if whole is None or where == WHOLE else _root(whole, table[where], where, ())


def _best(telling: Sequence[_Option], whole: Counts) -> _Option:
    """Return the option with the fewest trials: of people by what they are, where every other is far wider."""
    best = min(telling, key=lambda option: (option.values[0][0] in PROTECTED, option.n, option.values))
    fewest = min(telling, key=lambda option: (option.n, option.values))
    return fewest if is_wide(best.n, whole.n) and best.n > AS_FEW * fewest.n else best


def is_wide(n: int, of: int) -> bool:
    """Return whether a slice has so many of a tenant's trials that to name it names nearly everybody."""
    return n > _MOST * of


def _option(whole: Counts, table: Mapping[Slice, Counts], values: list[Slice]) -> _Option | None:
    k, n = sum(table[each].k for each in values), sum(table[each].n for each in values)
    share = _share(sum(table[each].excess for each in values), whole)
    if share < SHARE:
        return None
    rest_n, rest_k = whole.n - n, whole.k - k
    rate = whole.k / whole.n
    spread = sqrt(max(rest_n * rate * (1 - rate), 1.0))
    lower = (rest_n * rate - rest_k) * (-1 if whole.down else 1)
    alone = len(values) == 1 and stands_out(table[values[0]], whole)
    return _Option(tuple(values), n, share, rest_n > _ALIKE * whole.n and (lower >= _APART * spread or alone))


def stands_out(part: Counts, whole: Counts) -> bool:
    """Return whether a slice differs from the rest of its tenant by more than chance makes of the highest of many."""
    if whole.n <= part.n:
        return False
    rest = max(0, whole.k - part.k) / (whole.n - part.n)
    usual = part.n * (min(part.baseline, rest) if part.down else max(part.baseline, rest))
    beyond = usual - part.k if part.down else part.k - usual
    return beyond >= _DISTINCT * sqrt(max(usual, 1.0))


def _root(whole: Counts, part: Counts, where: Slice, alike: tuple[Slice, ...]) -> Root:
    rest = Counts(max(0, whole.k - part.k), max(0, whole.n - part.n), whole.baseline, whole.down)
    return Root(where, part, _share(part.excess, whole), rest, alike)


def _share(part: float, whole: Counts) -> float:
    """Return part of the tenant's excess; all of it where the rest of the tenant has none."""
    return 1.0 if part >= whole.excess else max(0.0, part / whole.excess)
