"""Days of labels: how long after it began the promised limits find what the truth shows, however late the truth comes.

Each day has so many labelled trials of each kind; their labels become known `late` days after their day's own closing.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final, NamedTuple

import numpy as np

from proofwatch.biometrics.baseline import Baseline, compare
from proofwatch.instants import ms_of
from tests.scenarios.effects import DAY_S
from tests.scenarios.gathering import Found, incidents
from tests.scenarios.measure import Outcome
from tests.scenarios.play import Played, Tick
from tests.scenarios.targets import AS_ONE, Target
from tests.scenarios.watchers import MONITORING, LabelWatch

TRIALS: Final[Mapping[tuple[str, str], int]] = {
    ("fnmr", ""): 70,
    ("bpcer", ""): 70,
    ("fmr", ""): 20,
    ("apcer", "print"): 20,
    ("apcer", "replay"): 20,
}
"""Labelled trials a day: what a tenant of 2,000 transactions a day has who asks for one label in 25."""
USUAL: Final[Mapping[str, float]] = {"fnmr": 0.01, "bpcer": 0.005, "fmr": 0.0005, "apcer": 0.0025}
FROM_DAY: Final = 60
OF_ONE: Final = 25
"""Runs that are played together."""
_DATES: Final = 28


class LabelScenario(NamedTuple):
    """From day `FROM_DAY` on `metric` is `rate`, with `species` of 20 labelled attacks a day. `late`: in days."""

    name: str
    what: str
    metric: str
    species: str
    rate: float
    late: int
    targets: tuple[Target, ...]
    days: int = 60
    runs: int = 100
    quick_runs: int = 2


def play(scenario: LabelScenario, seed: int, runs: Iterable[int], tick: Tick) -> Iterator[Played]:
    """Yield the outcome of each run."""
    for run in runs:
        yield Played(run, _run(scenario, np.random.default_rng([seed, 2, *scenario.name.encode(), run])))
        tick(FROM_DAY + scenario.days)


def _run(scenario: LabelScenario, random: np.random.Generator) -> Outcome:
    watch, found = LabelWatch(), list[Found]()
    counts: list[dict[tuple[str, str], tuple[int, int]]] = []
    naive_s, naive_alarms, naive_false = None, 0, 0
    for day in range(FROM_DAY + scenario.days):
        counts.append(_drawn(scenario, random, day))
        known = day - scenario.late
        if known < 0:
            continue
        found += watch.day(known, day, counts[known])
        for fired in _naive(counts[: known + 1]):
            if known < FROM_DAY or fired[0] != scenario.metric:
                naive_false += 1
                continue
            naive_alarms += 1
            naive_s = (day + 1 - FROM_DAY) * DAY_S if naive_s is None else naive_s
    return _outcome(scenario, found, (naive_s, naive_alarms, naive_false))


def _drawn(scenario: LabelScenario, random: np.random.Generator, day: int) -> dict[tuple[str, str], tuple[int, int]]:
    trials = dict(TRIALS)
    rates = {key: USUAL[key[0]] for key in trials}
    if day >= FROM_DAY:
        trials[scenario.metric, scenario.species] = trials.get((scenario.metric, scenario.species), 20)
        rates[scenario.metric, scenario.species] = scenario.rate
    return {key: (int(random.binomial(n, rates[key])), n) for key, n in trials.items()}


def _naive(counts: list[dict[tuple[str, str], tuple[int, int]]]) -> Iterator[tuple[str, str]]:
    """Yield what the guarded 2 × rule fires for on the last day."""
    for key, (k, n) in counts[-1].items():
        before = [each[key] for each in counts[-1 - _DATES : -1] if key in each]
        baseline = Baseline(sum(k for k, _ in before), sum(n for _, n in before), len(before))
        if compare(k, n, baseline, MONITORING.expected[key[0]]).severity == "high":
            yield key


def _outcome(scenario: LabelScenario, found: list[Found], naive: tuple[float | None, int, int]) -> Outcome:
    from_ms = LabelWatch.start_ms(FROM_DAY)
    first: dict[str, float] = {}
    false: dict[str, int] = {}
    about = []
    for at_ms, event in found:
        if event.metric == scenario.metric and at_ms > from_ms:
            about.append(Found(at_ms, event))
            if event.state == "firing":
                first.setdefault(event.severity, (at_ms - from_ms) / 1000)
        elif event.state == "firing" and event.severity == "high" and event.revision == 1:
            false[event.rule] = false.get(event.rule, 0) + 1
    told = [each for each in incidents(about, []) if each.evidence == "strong"]
    right = told[0].root.where == (None, None) if told else None
    since_error_s = (ms_of(told[0].since) - from_ms) / 1000 if told else None
    low = min(first.values(), default=None)
    return Outcome(FROM_DAY + scenario.days, first.get("high"), low, false, len(told), right, since_error_s, *naive, 0)


LABELLED: Final = (
    LabelScenario(
        "novel_species",
        "A new PAI species, 20 labelled attacks a day, passes in 2 % (limit 0.5 %); labels come on the day.",
        "apcer",
        "mask",
        0.02,
        0,
        AS_ONE,
    ),
    *(
        LabelScenario(
            f"labels_{late}_days",
            f"FNMR rises from 1 % to 6 % (limit 3 %), 70 mated comparisons a day; labels are {late} days late.",
            "fnmr",
            "",
            0.06,
            late,
            AS_ONE,
        )
        for late in (2, 10, 30)
    ),
)
