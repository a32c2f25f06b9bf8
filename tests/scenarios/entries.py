"""All scenarios of all levels, in the order in which they are played and shown."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple

from tests.scenarios import journeys, labelled
from tests.scenarios.catalogue import SCENARIOS
from tests.scenarios.figures import figures
from tests.scenarios.labelled import LABELLED
from tests.scenarios.play import Bench
from tests.scenarios.scripted import JOURNEYS
from tests.scenarios.targets import Target

Level = Literal["counts", "labels", "journey"]


class Play(NamedTuple):
    """How to play: with which seed, small or whole, and where runs through the whole system write what they publish.

    `part`: of the runs of counts and labels, so many; `days`: of each run of counts, so many at most (0: all).
    `progress` is told how much there is to do (None: that is not known) and how much more of it is done.
    """

    seed: int
    quick: bool
    part: float
    days: int
    out: Path
    progress: Callable[[int | None, int], None]


class Entry(NamedTuple):
    """A scenario by its name; `planted`: whether there is anything to be found."""

    name: str
    what: str
    level: Level
    targets: tuple[Target, ...]
    planted: bool


ENTRIES: Final = (
    *(Entry(each.name, each.what, "counts", each.targets, each.plant is not None) for each in SCENARIOS),
    *(Entry(each.name, each.what, "labels", each.targets, planted=True) for each in LABELLED),
    *(Entry(each.name, each.what, "journey", each.targets, planted=True) for each in JOURNEYS),
)


class Player:
    """Plays entries; scenarios of one kind of tenant share their warm watches."""

    def __init__(self, how: Play) -> None:
        self._how = how
        self._bench = Bench(
            how.seed, lambda days: how.progress(None, days), quick=how.quick, part=how.part, days=how.days
        )

    def play(self, entry: Entry) -> dict[str, Any]:
        """Return what comes of it."""
        how = self._how
        for scenario in SCENARIOS:
            if scenario.name == entry.name:
                how.progress(self._bench.watched_days(scenario), 0)
                return figures(list(self._bench.play(scenario)), planted=entry.planted)
        for tenant in LABELLED:
            if tenant.name == entry.name:
                fewer = tenant._replace(runs=max(1, round(tenant.runs * how.part)))
                return figures(list(labelled.play(fewer, how.seed, quick=how.quick)), planted=True)
        day = next(each for each in JOURNEYS if each.name == entry.name)
        return journeys.play(day, how.seed, how.out / day.name, quick=how.quick)
