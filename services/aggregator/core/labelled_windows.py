"""A labelled window as it is published: counts, sketches, and the ISO rates with limits, status and coverage."""

from collections.abc import Iterator, Mapping
from hashlib import sha256
from typing import Final, NamedTuple

from proofwatch.biometrics import figures as biometric
from proofwatch.biometrics.figures import Status, rate
from proofwatch.biometrics.rates import (
    Limits,
    LivenessCounts,
    LivenessRates,
    MatchCounts,
    SpeciesCounts,
    liveness_rates,
    match_rates,
)
from proofwatch.biometrics.sketch import Sketch
from proofwatch.biometrics.trials import (
    BONA_FIDE,
    GENUINE,
    IMPOSTOR,
    NO_TRIALS,
    ClassCounts,
    attack_classes,
    species_of,
)
from proofwatch.events import types
from proofwatch.events.identity import derived_id
from proofwatch.governance.policy import Policy
from proofwatch.instants import instant_of
from services.aggregator.core.labelled import MISSING, WindowKey
from services.aggregator.core.times import DAY_MS, DAY_S

_LONGEST_METRIC: Final = 64

Classes = Mapping[str, ClassCounts]


class Labelled(NamedTuple):
    """Everything a labelled window is made of.

    `requested` are the transactions that asked for (match, liveness), labelled or not; `policies` the labelled
    transactions by policy hash.
    """

    key: WindowKey
    revision: int
    backfill: bool
    classes: Classes
    requested: tuple[int, int]
    policies: Mapping[str, int]


def window_event(labelled: Labelled, policy: Policy) -> types.Window:
    """Return the window with the figures that `policy` asks for."""
    key = labelled.key
    name, value = key.segment_name or None, key.segment_value or None
    start_ms = key.day * DAY_MS
    counts = {
        f"{trial_class}.{outcome}": n
        for trial_class, counted in labelled.classes.items()
        for outcome, n in (("passed", counted.passed), ("failed", counted.failed), (MISSING, counted.missing))
        if n
    }
    sketches = {
        trial_class: types.Sketch(**counted.scores.to_wire()._asdict())
        for trial_class, counted in labelled.classes.items()
        if isinstance(counted.scores, Sketch) and counted.n
    }
    return types.Window(
        schema_version=1,
        window_id=derived_id("window", "labelled", key.tenant, name, value, DAY_S, start_ms),
        kind="labelled",
        tenant=key.tenant,
        segment_name=name,
        segment_value=value,
        start=instant_of(start_ms),
        end=instant_of(start_ms + DAY_MS),
        length_s=DAY_S,
        revision=labelled.revision,
        backfill=labelled.backfill,
        counts=counts,
        sums={},
        sketches=sketches,
        policies=dict(labelled.policies),
        figures=tuple(figures(labelled.classes, labelled.requested, policy)),
    )


def figures(classes: Classes, requested: tuple[int, int], policy: Policy) -> Iterator[types.Figure]:
    """Yield the match figures if there are labelled comparisons, the liveness figures if there are presentations.

    ISO/IEC 19795-1 and 30107-3. `apcer` is the worst PAI species with `min_trials`. Without such a species it is the
    pooled rate, which may prove a breach (then some species is in breach) but never that each species keeps the limit.
    """
    limits = Limits.of(policy.limits)
    genuine, impostor = classes.get(GENUINE, NO_TRIALS), classes.get(IMPOSTOR, NO_TRIALS)
    missing = genuine.missing + impostor.missing
    comparisons = genuine.n + impostor.n + missing
    if comparisons:
        match = match_rates(MatchCounts(genuine.n, impostor.n, genuine.failed, impostor.passed, missing), limits)
        coverage = _share(comparisons, requested[0])
        yield _figure("fmr", match.fmr, limits.fmr, coverage)
        yield _figure("fnmr", match.fnmr, limits.fnmr, coverage)
        yield _figure("fta", match.fta, None, coverage)
    bona_fide = classes.get(BONA_FIDE, NO_TRIALS)
    attacks = {species_of(name): classes[name] for name in attack_classes(classes)}
    attack_missing = sum(counted.missing for counted in attacks.values())
    presentations = bona_fide.n + bona_fide.missing + attack_missing + sum(counted.n for counted in attacks.values())
    if presentations:
        species = {name: SpeciesCounts(counted.n, counted.passed) for name, counted in attacks.items()}
        liveness = liveness_rates(
            LivenessCounts(species, bona_fide.n, bona_fide.failed, attack_missing, bona_fide.missing),
            limits,
            policy.min_trials,
        )
        coverage = _share(presentations, requested[1])
        yield _figure("apcer", _headline(liveness, limits.apcer), limits.apcer, coverage)
        for name, figure in liveness.apcer_by_species.items():
            yield _figure(species_metric(name), figure, limits.apcer, coverage)
        yield _figure("bpcer", liveness.bpcer, limits.bpcer, coverage)
        yield _figure("apnrr", liveness.apnrr, None, coverage)
        yield _figure("bpnrr", liveness.bpnrr, None, coverage)


def species_metric(species: str) -> str:
    """Return the metric name of a species' APCER; a name too long for the schema ends in a digest of it."""
    metric = f"apcer:{species}"
    if len(metric) <= _LONGEST_METRIC:
        return metric
    digest = sha256(species.encode()).hexdigest()[:8]
    return f"{metric[: _LONGEST_METRIC - 9]}~{digest}"


def _headline(liveness: LivenessRates, limit: float | None) -> biometric.Figure:
    if liveness.apcer.worst_species is not None:
        return liveness.apcer
    pooled = liveness.apcer_pooled
    judged = rate(pooled.k or 0, pooled.n or 0, limit)
    if judged.status is not Status.PASS:
        return judged
    return biometric.Figure(judged.k, judged.n, judged.value, judged.low, judged.high, Status.INSUFFICIENT)


def _share(labelled: int, requested: int) -> float | None:
    return labelled / requested if requested else None


def _figure(metric: str, figure: biometric.Figure, limit: float | None, coverage: float | None) -> types.Figure:
    return types.Figure(
        metric=metric,
        k=figure.k,
        n=figure.n,
        value=figure.value,
        low=figure.low,
        high=figure.high,
        limit=limit,
        status=figure.status.value if figure.status else None,
        coverage=coverage,
    )
