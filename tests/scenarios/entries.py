"""All scenarios of all levels, in the order in which they are played and shown, and how large each is played."""

from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import Final, Literal, NamedTuple

from tests.scenarios import label_years, labelled, minute_years
from tests.scenarios.catalogue import SCENARIOS
from tests.scenarios.journeys import Journey
from tests.scenarios.label_years import LABEL_YEARS, LabelYears
from tests.scenarios.labelled import LABELLED, LabelScenario
from tests.scenarios.minute_years import MinuteScenario
from tests.scenarios.play import Bench, Played, Tick
from tests.scenarios.quiet_minutes import QUIET_MINUTES
from tests.scenarios.scenario import Scenario
from tests.scenarios.scripted import JOURNEYS
from tests.scenarios.targets import Target

Level = Literal["counts", "minutes", "arrivals", "labels", "journey"]


class How(NamedTuple):
    """How to play: with which seed, small or whole.

    `part`: of the runs, so many, one at least; `days`: of each run so many at most (0: all). `out`: where days through
    the whole system write what they publish.
    """

    seed: int = 7
    quick: bool = False
    part: float = 1.0
    days: int = 0
    out: Path = Path("out") / "scenarios"


class Large(NamedTuple):
    """How many runs, of how many days after how many warm ones; every `of_one` runs begin from one warm tenant."""

    runs: int
    days: int
    warm_days: int = 0
    of_one: int = 1


class Entry(NamedTuple):
    """A scenario by its name; `planted`: whether there is anything to be found."""

    scenario: Scenario | MinuteScenario | LabelYears | LabelScenario | Journey
    level: Level
    planted: bool = True

    @property
    def name(self) -> str:
        """Return its name."""
        return self.scenario.name

    @property
    def what(self) -> str:
        """Return what happens in it."""
        return self.scenario.what

    @property
    def targets(self) -> tuple[Target, ...]:
        """Return what is to come of it."""
        return self.scenario.targets

    @property
    def played(self) -> str:
        """Return what of it decides what a run draws and watches."""
        match self.scenario:
            case Scenario(size=size) as each:
                watched = size.of_one, size.minutes_in, size.attributes
                return f"{each.tenant} {watched} {each.plant and each.plant.__name__}"
            case MinuteScenario(tenant=tenant):
                return str(tenant)
            case LabelYears() as years:
                return str(years._replace(what="", targets=()))
            case _:
                return self.name


ENTRIES: Final = (
    *(Entry(each, "counts", planted=each.plant is not None) for each in SCENARIOS),
    *(Entry(each, "minutes", planted=False) for each in QUIET_MINUTES),
    *(Entry(each, "arrivals", planted=False) for each in LABEL_YEARS),
    *(Entry(each, "labels") for each in LABELLED),
    *(Entry(each, "journey") for each in JOURNEYS),
)


def large(entry: Entry, how: How) -> Large:
    """Return how large an entry is played; a day through the whole system is one run."""
    match entry.scenario:
        case Scenario(size=size):
            runs, warm_days, days = size.quick
            quick, whole = Large(runs, days, warm_days), Large(size.runs, size.days, size.warm_days, size.of_one)
        case MinuteScenario() | LabelYears() as years:
            quick, whole = Large(*years.quick), Large(years.runs, years.days)
        case LabelScenario() as labels:
            days = labelled.FROM_DAY + labels.days
            quick, whole = Large(labels.quick_runs, days), Large(labels.runs, days, of_one=labelled.OF_ONE)
        case Journey():
            return Large(1, 1)
    runs = max(1, round(whole.runs * how.part))
    return quick if how.quick else whole._replace(runs=runs, days=min(whole.days, how.days or whole.days))


@lru_cache(maxsize=1)
def _bench(seed: int, tick: Tick) -> Bench:
    """Return a bench that scenarios share, and with it the warm tenants of their kind."""
    return Bench(seed, tick)


def play(entry: Entry, how: How, runs: Iterable[int], tick: Tick) -> Iterator[Played]:
    """Yield the outcomes of runs of an entry; `tick` is told of days that were watched."""
    size = large(entry, how)
    match entry.scenario:
        case Scenario() as scenario:
            yield from _bench(how.seed, tick).play(scenario, runs, size.warm_days, size.days)
        case MinuteScenario() as minutes:
            yield from minute_years.play(minutes, how.seed, runs, size.days, tick)
        case LabelYears() as years:
            yield from label_years.play(years, how.seed, runs, size.days, tick)
        case LabelScenario() as labels:
            yield from labelled.play(labels, how.seed, runs, tick)
        case Journey():
            raise ValueError(f"{entry.name} is one day, and no runs")
