"""How long and how often scenarios are played, and how much of a tenant is watched meanwhile."""

from typing import Final, NamedTuple


class Size(NamedTuple):
    """`runs` runs of `days` days, after `warm_days` days in which nothing happens; every `of_one` runs share those.

    `minutes_in`: in so many of the runs minutes are judged as well (None: in all). `attributes`: the values of so many,
    four each, are watched beside the tenant. `quick`: runs, warm days and days of `--quick`.
    """

    runs: int
    days: int = 1
    warm_days: int = 28
    of_one: int = 1
    minutes_in: int | None = 0
    attributes: int = 1
    quick: tuple[int, int, int] = (1, 4, 1)


QUIET: Final = Size(runs=4, days=56, minutes_in=2)
"""Nothing is planted: each run is a tenant of its own."""
RATES: Final = Size(runs=40, of_one=40)
"""A change of the whole tenant that only charts and days see; its runs begin from few warm tenants."""
SCORES: Final = Size(runs=20, warm_days=14, of_one=25, minutes_in=None)
"""A change that is seen by minutes."""
SLICES: Final = Size(runs=20, warm_days=14, of_one=25, attributes=3)
"""A change of one slice among twelve."""
