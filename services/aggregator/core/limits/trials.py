"""What a labelled transaction counts towards the promised limits, and on which day that is known.

Counts are kept by the day that a trial is about and by the day on which it became known, so that what was known on any
day can be told again: judging depends on the log alone, not on batches nor on which lane came first.
"""

from collections.abc import Iterator
from typing import Final, NamedTuple

from proofwatch.biometrics.trials import (
    ATTACK_PREFIX,
    BONA_FIDE,
    GENUINE,
    IMPOSTOR,
    INJECTION_PREFIX,
    is_attack,
    species_of,
)
from services.aggregator.core.entries import Entry, Trial

FMR: Final = "fmr"
FNMR: Final = "fnmr"
BPCER: Final = "bpcer"
APCER: Final = "apcer"
IAPAR: Final = "iapar"
FAR: Final = "far"
"""Not a promise: confirmed frauds among accepted transactions."""
LABELS: Final = "labels"
"""Not a promise: how many labels were logged on a day."""
INJECTION: Final = "injection_accept_rate"
"""Not promised by itself: held to what IAPAR promises, else APCER (`judging.promises`)."""
METRICS: Final = (FMR, FNMR, APCER, BPCER, IAPAR, INJECTION)
"""In the order in which they are judged."""
ACCEPTED: Final = frozenset({IAPAR, INJECTION})
"""Rates of which each error is an attacker who was accepted."""
EACH_PASSED: Final = ACCEPTED | {FMR}
"""Rates of which each error is told, not only what is beyond the limit: nobody is promised that some may pass."""


class LimitKey(NamedTuple):
    """A metric; of attacks for one PAI species, or method of injection, which is empty else."""

    metric: str
    species: str = ""


class Counted(NamedTuple):
    """Errors among trials that ended on a day (days since 1970), counted from the evaluation of `effective` on."""

    tenant: str
    segment_name: str
    segment_value: str
    metric: str
    species: str
    day: int
    effective: int


def changes(old: Entry, new: Entry, seen_ms: int) -> Iterator[tuple[Trial, LimitKey, int, int, int]]:
    """Yield verdict, metric, errors, trials and log time (ms) of what changes with an entry; the old is taken back.

    `seen_ms`: how far the lane had come in time with the record that changed it. Verdict and labels come on lanes of
    their own, and either may be ahead: the change is known when both are logged, whichever was read last.
    """
    aspects = ((old.pair, new.pair, _comparison), (old.presentation, new.presentation, _presentation))
    for before, after, counts in aspects:
        if (old.trial, before) == (new.trial, after):
            continue
        logged = [new.trial.logged_ms] if new.trial else []
        known_ms = max(seen_ms, *logged, *([-after.minus_logged_ms] if after else []))
        for n, trial, assertion in ((-1, old.trial, before), (1, new.trial, after)):
            if trial and assertion:
                for key, error in counts(assertion.trial_class, trial):
                    yield trial, key, n * error, n, known_ms
    yield from _frauds(old, new, seen_ms)


def _frauds(old: Entry, new: Entry, seen_ms: int) -> Iterator[tuple[Trial, LimitKey, int, int, int]]:
    """Yield confirmed frauds that come and go; each counts from when verdict and first such label are logged."""
    if (old.trial, _confirmed(old)) == (new.trial, _confirmed(new)):
        return
    for k, entry in ((-1, old), (1, new)):
        if entry.trial and (logged_ms := _confirmed(entry)) is not None:
            yield entry.trial, LimitKey(FAR), k, 0, max(seen_ms, entry.trial.logged_ms, logged_ms)


def _confirmed(entry: Entry) -> int | None:
    """Return when a label came first that says of an accepted transaction that it was fraud; None: none does."""
    if entry.trial is None or entry.trial.decision != "accept":
        return None
    labels = (each for each in (entry.pair, entry.presentation) if each)
    found = [each for each in labels if each.trial_class == IMPOSTOR or is_attack(each.trial_class)]
    return min((-each.minus_logged_ms for each in found), default=None)


def _comparison(trial_class: str, trial: Trial) -> Iterator[tuple[LimitKey, int]]:
    """Yield the comparison, with 1 for an error and 0 for none; without a score it is none (ISO/IEC 19795-1)."""
    if trial.match_outcome in ("missing", "not_requested"):
        return
    failed = trial.match_outcome == "fail"
    if trial_class == GENUINE:
        yield LimitKey(FNMR), int(failed)
    elif trial_class == IMPOSTOR:
        yield LimitKey(FMR), int(not failed)


def _presentation(trial_class: str, trial: Trial) -> Iterator[tuple[LimitKey, int]]:
    """Yield the presentation; without a score it is none (ISO/IEC 30107-3), but an attack that was not accepted."""
    if trial.liveness_outcome == "not_requested":
        return
    scored = trial.liveness_outcome != "missing"
    if trial_class == BONA_FIDE and scored:
        yield LimitKey(BPCER), int(trial.liveness_outcome == "fail")
    elif trial_class.startswith(ATTACK_PREFIX):
        species = species_of(trial_class)
        if scored:
            yield LimitKey(APCER, species), int(trial.liveness_outcome != "fail")
        if trial.match_outcome != "not_requested":  # a decision by both checks is the whole system's
            yield LimitKey(IAPAR, species), int(trial.decision == "accept")
    elif trial_class.startswith(INJECTION_PREFIX) and trial.match_outcome != "not_requested":
        yield LimitKey(INJECTION, trial_class.removeprefix(INJECTION_PREFIX)), int(trial.decision == "accept")
