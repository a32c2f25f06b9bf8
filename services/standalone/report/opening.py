"""What a page opens with: tenant by tenant what is wrong, how that is known, whom it harms, and what to do about it.

The order is evidence, then harm; never a ratio. A tenant of whom nothing is proven wrong has one line, which says what
was watched and what could not be judged.
"""

from collections.abc import Container, Iterable, Mapping, Sequence
from enum import IntEnum
from typing import Final, NamedTuple

from proofwatch.biometrics.evaluation import Evaluation
from proofwatch.biometrics.figures import Figure, Status
from proofwatch.biometrics.rates import Limits
from proofwatch.biometrics.worst_of import WorstFigure
from proofwatch.detection.course_words import standing
from proofwatch.detection.harm import ATTACKS
from proofwatch.detection.incident import Incident
from proofwatch.detection.sentences import incident_facts, incident_title
from proofwatch.detection.urgency import Urgency, ranked, urgency
from proofwatch.detection.words import NEXT_STEPS, metric_words
from proofwatch.report.numbers import count, interval, of, percent
from proofwatch.report.proof import because, explained, rate_name
from services.standalone.core.watched import Watched, rates

_HARMS: Final = {
    "fmr": "accepted",
    "apcer": "accepted",
    "iapar": "accepted",
    "injection_accept_rate": "accepted",
    "fnmr": "rejected",
    "bpcer": "rejected",
}
_NEEDS: Final = {
    "fmr": "no labelled impostor",
    "fnmr": "no labelled genuine person",
    "apcer": "no labelled attack",
    "bpcer": "no labelled bona fide person",
    "iapar": "no labelled attack that both checks judged",
}


class Level(IntEnum):
    """How sure it is that something is wrong, and whether it still is."""

    WRONG = 0
    WAS_WRONG = 1
    NOTHING = 2


class Problem(NamedTuple):
    """What is wrong, in words; `people`, `needed` and `until` are empty where there is nothing to say."""

    title: str
    state: str
    until: str
    evidence: str
    people: str
    next_step: str
    needed: str
    others: int


class LimitRate(NamedTuple):
    """A rate that has a limit; `lacking` says why there is none of it."""

    metric: str
    figure: Figure | None
    limit: float
    lacking: str

    @property
    def name(self) -> str:
        """Return what the rate is called."""
        return rate_name(self.metric)


class TenantOpening(NamedTuple):
    """A tenant (None: whatever was evaluated), the worst of its problems first, by `detection.urgency`.

    `people`: about how many were wrongly accepted or rejected, beyond what was to be expected or a limit allows.
    """

    tenant: str | None
    level: Level
    problems: Sequence[Problem]
    weak: Sequence[Problem]
    limits: Sequence[LimitRate]
    transactions: int
    labelled: int
    people: int

    @property
    def broken(self) -> list[str]:
        """Return the rates that are proven above their limit."""
        return [rate_name(each.metric) for each in self.limits if each.figure and each.figure.status is Status.BREACH]

    @property
    def within(self) -> list[str]:
        """Return the rates that are proven within their limit."""
        return [rate_name(each.metric) for each in self.limits if each.figure and each.figure.status is Status.PASS]

    @property
    def unjudged(self) -> list[str]:
        """Return the rates that nobody can judge yet, and what is missing."""
        return [
            f"{rate_name(each.metric)}, {explained(each.figure) if each.figure and not each.lacking else each.lacking}"
            for each in self.limits
            if each.figure is None or each.figure.status is Status.INSUFFICIENT
        ]


def openings(watched: Mapping[str, Watched], incidents: Iterable[Incident], limits: Limits) -> list[TenantOpening]:
    """Return every tenant, the worst first: by the worst of its problems, then by the people concerned."""
    by_tenant: dict[str, list[Incident]] = {tenant: [] for tenant in watched}
    for each in incidents:
        by_tenant.setdefault(each.tenant, []).append(each)
    found = [
        (*_opening(tenant, watched.get(tenant), sorted(known, key=urgency), limits), tenant)
        for tenant, known in by_tenant.items()
    ]
    found.sort(key=lambda each: (each[0].level is Level.NOTHING, each[1], -each[2], each[3]))
    return [opening for opening, *_ in found]


def opening_of(evaluation: Evaluation, limits: Limits, transactions: int, labelled: int) -> TenantOpening:
    """Return what an evaluation opens with: a system, and nothing that happened over time."""
    found = limit_rates(evaluation, limits)
    broken = _breaches(found)
    groups = _groups(evaluation, {each.metric for each in broken})
    problems = [*map(_broken, broken), *(problem for _, problem in groups)]
    people = round(sum(_beyond(each.figure, each.limit) for each in broken))
    level = Level.WRONG if problems else Level.NOTHING
    return TenantOpening(None, level, problems, [], found, transactions, labelled, people)


def limit_rates(evaluation: Evaluation, limits: Limits) -> list[LimitRate]:
    """Return each rate that has a limit, with or without trials; what is promised of others only with trials."""
    return [
        LimitRate(metric, figure, limit, "" if _tried(figure) else _NEEDS[metric])
        for metric, figure in rates(evaluation).items()
        if (limit := getattr(limits, metric)) is not None and (metric in _NEEDS or _tried(figure))
    ]


def _tried(figure: Figure | None) -> bool:
    return figure is not None and bool(figure.n or (isinstance(figure, WorstFigure) and figure.because))


def _opening(
    tenant: str, watched: Watched | None, known: Sequence[Incident], limits: Limits
) -> tuple[TenantOpening, Urgency | None, float]:
    """Return the opening of a tenant, how urgent the worst of it is, and about how many people are concerned."""
    strong = [each for each in known if each.evidence == "strong" and each.state != "merged"]
    limited = limit_rates(watched.evaluation, limits) if watched else []
    told = {metric.partition(":")[0] for each in strong for metric in each.metrics}
    broken = [each for each in _breaches(limited) if each.metric not in told]
    groups = _groups(watched.evaluation, told | {each.metric for each in broken}) if watched else []
    ordered = sorted(
        [
            *((urgency(each), _problem(each)) for each in strong),
            *((_urgency(each.metric, _beyond(each.figure, each.limit)), _of_none(_broken(each))) for each in broken),
            *((where, _of_none(each)) for where, each in groups),
        ],
        key=lambda each: each[0],
    )
    problems = [problem for _, problem in ordered]
    goes_on = bool(broken or groups or any(each.state == "firing" for each in strong))
    harm = sum(each.harm for each in strong) + sum(_beyond(each.figure, each.limit) for each in broken)
    return (
        TenantOpening(
            tenant,
            Level.WRONG if goes_on else Level.WAS_WRONG if problems else Level.NOTHING,
            problems,
            [_problem(each) for each in known if each.evidence != "strong" and each.state != "merged"],
            limited,
            watched.transactions if watched else 0,
            watched.labelled if watched else 0,
            round(harm),
        ),
        ordered[0][0] if ordered else None,
        harm,
    )


def _urgency(metric: str, beyond: float = 0.0) -> Urgency:
    """Return where a limit that labels prove broken stands among incidents; `beyond`: people beyond what it allows."""
    lets_in = metric in ATTACKS
    accepted, rejected = (beyond, 0.0) if lets_in else (0.0, beyond)
    return ranked(
        "critical" if lets_in else "high",
        accepted=accepted,
        rejected=rejected,
        proven_accepted=accepted,
        proven_rejected=rejected,
        name=metric,
    )


def _problem(incident: Incident) -> Problem:
    facts = incident_facts(incident)
    state = standing(incident) or ("goes on" if incident.state == "firing" else "ended")
    return Problem(
        incident_title(incident), state, facts.until, facts.evidence, facts.people, facts.next_step, facts.needed,
        len(incident.children),
    )  # fmt: skip


_NO_INCIDENT: Final = (
    ". No incident tells of it: these are all labels at 95 %; an incident takes five errors within 28 days at 99 %, "
    "and of rejections more, since one person's retries fail together"
)
"""Why what all labels prove is among no incidents."""


def _of_none(problem: Problem) -> Problem:
    """Return what labels prove and no incident tells of, with why."""
    return problem._replace(evidence=f"{problem.evidence}{_NO_INCIDENT}")


def _breaches(limited: Iterable[LimitRate]) -> list[LimitRate]:
    found = [each for each in limited if each.figure is not None and each.figure.status is Status.BREACH]
    return sorted(found, key=lambda each: -_beyond(each.figure, each.limit))


def _broken(rate: LimitRate) -> Problem:
    figure = rate.figure
    assert figure is not None, "a breach has trials"
    who = because(figure)
    people = round(_beyond(figure, rate.limit))
    return Problem(
        title=f"The limit is proven broken: {metric_words(rate.metric)}",
        state="over all labels",
        until="",
        evidence=f"{_evidence(figure)}, limit {percent(rate.limit)}, at 95 % confidence"
        + (f"; proven above it: {who}" if who else ""),
        people=f"About {count(people)} of those with a label {_HARMS[rate.metric]} beyond the limit." if people else "",
        next_step=NEXT_STEPS["audit_and_threshold_proposal"],
        needed="",
        others=0,
    )


def _groups(evaluation: Evaluation, told: Container[str]) -> list[tuple[Urgency, Problem]]:
    """Return the groups that a limit is proven broken for, a problem for each segment and rate not `told` already."""
    return [
        (_urgency(metric), _broken_for_groups(column, metric, figure))
        for column, figures in evaluation.worst_segments.items()
        for metric, figure in figures.items()
        if figure.status is Status.BREACH and metric not in told
    ]


def _broken_for_groups(column: str, metric: str, figure: Figure) -> Problem:
    return Problem(
        title=f"The limit is proven broken for groups by {column}: {metric_words(metric)}",
        state="over all labels",
        until="",
        evidence=explained(figure),
        people="",
        next_step=NEXT_STEPS["audit_and_threshold_proposal"],
        needed="",
        others=0,
    )


def _evidence(figure: Figure) -> str:
    return f"{of(figure)} = {percent(figure.value)} (95 % interval {interval(figure)})"


def _beyond(figure: Figure | None, limit: float) -> float:
    """Return the errors beyond those that the limit allows."""
    if figure is None:
        return 0.0
    if isinstance(figure, WorstFigure) and figure.because:
        return sum(max(0.0, each.k - limit * each.n) for each in figure.because)
    return max(0.0, (figure.k or 0) - limit * (figure.n or 0))
