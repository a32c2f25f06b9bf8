"""The result of a backtest: a function of the log and the two policies, without clock, path or chance."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final, Literal

import msgspec

from proofwatch.biometrics.multiplicity import holm
from proofwatch.biometrics.rates import Limits
from proofwatch.governance.policy import Policy
from proofwatch.runtime.cell_settings import DEFAULT_SMALL_CELL
from services.scorer.backtest.arrivals import ALWAYS, Counted, Kind, Period, Source
from services.scorer.backtest.changes import (
    Apcer,
    Change,
    Judging,
    apcer_change,
    decision_changes,
    error_changes,
    tests_of,
)
from services.scorer.backtest.player import RULED
from services.scorer.backtest.tally import Cell, CohortKey, Move, Tally

_LEDGER: Final = (
    "The ledger keeps no subjects, so attempts were not counted anew: a referral stands where the same check still "
    "fails, and a transaction that fails under one policy alone counts as a first failure. Accepted or not, and all "
    "error rates, are exact; changes between retake and review are a lower bound. Use a topic or a file to count them."
)
_FOLLOWED: Final = (
    "The log is what followed the policy of its time: it holds retakes that the new policy would not have asked for, "
    "and not those that it would have."
)
_LIMITS: Final = "The two policies promise different limits: each figure is judged by the limits of its own policy."
_CONTROLS: Final = "Step-up controls, attack patterns and suspicions are not played: they are no rules of a policy."


class PolicyPart(msgspec.Struct):
    """One of the two policies."""

    name: str
    hash: str
    match_threshold: float
    liveness_threshold: float
    limits: Limits


class Difference(msgspec.Struct):
    """A key of the policy file that differs; null where it is not set."""

    key: str
    old: Any
    new: Any


class Moved(msgspec.Struct):
    """`n` transactions with this decision and action under the old, and that under the new policy."""

    old_decision: str
    old_action: str
    new_decision: str
    new_action: str
    n: int


class CohortResult(msgspec.Struct):
    """The figures of one cohort; all three names null: everybody.

    `judged` transactions have a decision under both policies, `changed` of them another one. `moves` lists every
    transaction, also those that one policy refuses or takes for a repeat. `too_few` names the error rates that are
    held back because they rest on fewer trials than a cell may have.
    """

    tenant: str | None
    segment: str | None
    value: str | None
    n: int
    judged: int
    changed: int
    moves: list[Moved]
    decisions: dict[str, Change]
    errors: dict[str, Change]
    apcer: Apcer | None
    too_few: list[str]


class Result(msgspec.Struct):
    """Everything that a backtest found."""

    report: Literal["backtest"]
    old: PolicyPart
    new: PolicyPart
    differences: list[Difference]
    source: Kind
    attempts: Counted
    since: datetime | None
    until: datetime | None
    first: datetime | None
    last: datetime | None
    read: int
    other_tenants: int
    refused: dict[str, int]
    outside_period: int
    labelled: int
    small_cell: int
    suppressed: int
    tests: int
    notes: list[str]
    total: CohortResult
    cohorts: list[CohortResult]


def result_of(
    tally: Tally,
    source: Source,
    old: Policy,
    new: Policy,
    period: Period = ALWAYS,
    small_cell: int = DEFAULT_SMALL_CELL,
) -> Result:
    """Return the result; cohorts of a segment value with fewer than `small_cell` transactions are only counted."""
    tally.settle()
    judging = [Judging(Limits.of(policy.limits), policy.min_trials) for policy in (old, new)]
    ordered = sorted((cohort for cohort in tally.cells if cohort.tenant), key=_order)
    shown = [cohort for cohort in ordered if not cohort.segment or tally.cells[cohort].moves.total() >= small_cell]
    total = _cohort(CohortKey(), tally.cells.get(CohortKey(), Cell()), judging, 0)
    cohorts = [_cohort(cohort, tally.cells[cohort], judging, small_cell if cohort.segment else 0) for cohort in shown]
    tests = _correct([total, *cohorts])
    first, last = tally.span() or (None, None)
    return Result(
        report="backtest",
        old=_policy(old),
        new=_policy(new),
        differences=list(differences(old, new)),
        source=source.kind,
        attempts=source.attempts,
        since=period.since,
        until=period.until,
        first=first,
        last=last,
        read=source.accounts.read,
        other_tenants=source.accounts.other_tenants,
        refused=dict(sorted(source.accounts.refused.items())),
        outside_period=tally.outside,
        labelled=tally.labelled,
        small_cell=small_cell,
        suppressed=len(ordered) - len(shown),
        tests=tests,
        notes=_notes(source, old, new),
        total=total,
        cohorts=cohorts,
    )


def to_json(result: Result) -> bytes:
    """Return the result as an indented JSON document; equal results give equal bytes."""
    return msgspec.json.format(msgspec.json.encode(result), indent=2) + b"\n"


def differences(old: Policy, new: Policy) -> Iterable[Difference]:
    """Yield the keys that differ between two policy files, in the order of their names."""
    before, after = _flat(old.model_dump(mode="json")), _flat(new.model_dump(mode="json"))
    for key in sorted(before.keys() | after.keys()):
        if before.get(key) != after.get(key):
            yield Difference(key, before.get(key), after.get(key))


def changed_share(cohort: CohortResult) -> float:
    """Return the share of transactions whose decision changes."""
    return cohort.changed / cohort.judged if cohort.judged else 0.0


def _cohort(cohort: CohortKey, cell: Cell, judging: list[Judging], least: int) -> CohortResult:
    old, new = judging
    errors = error_changes(cell.outcomes, old, new)
    few = [name for name, each in errors.items() if each.old.n is not None and each.old.n < least]
    apcer = apcer_change(cell.outcomes, old, new)
    if apcer is not None and (apcer.pooled.old.n or 0) < least:
        few.append("apcer")
        apcer = None
    return CohortResult(
        *cohort,
        n=cell.moves.total(),
        judged=sum(n for move, n in cell.moves.items() if _judged(move)),
        changed=sum(n for move, n in cell.moves.items() if _judged(move) and move.old_decision != move.new_decision),
        moves=[Moved(*move, n) for move, n in sorted(cell.moves.items())],
        decisions=decision_changes(cell.moves),
        errors={name: each for name, each in errors.items() if name not in few},
        apcer=apcer,
        too_few=few,
    )


def _judged(move: Move) -> bool:
    return move.old_decision in RULED and move.new_decision in RULED


def _correct(cohorts: Iterable[CohortResult]) -> int:
    """Set the corrected p of every test, and return how many there are."""
    tests = [test for each in cohorts for test in _tests(each)]
    for test, corrected in zip(tests, holm([test.p or 0.0 for test in tests]), strict=True):
        test.p_holm = corrected
    return len(tests)


def _tests(cohort: CohortResult) -> list[Change]:
    apcer = cohort.apcer
    return list(tests_of(cohort.decisions, cohort.errors, {"pooled": apcer.pooled, **apcer.species} if apcer else {}))


def _order(cohort: CohortKey) -> tuple[str, str, str]:
    return cohort.tenant or "", cohort.segment or "", cohort.value or ""


def _policy(policy: Policy) -> PolicyPart:
    limits = Limits.of(policy.limits)
    return PolicyPart(policy.name, policy.hash, policy.match.threshold, policy.liveness.threshold, limits)


def _flat(document: Mapping[str, Any], above: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in document.items():
        flat |= _flat(value, f"{above}{key}.") if isinstance(value, dict) else {f"{above}{key}": value}
    return flat


def _notes(source: Source, old: Policy, new: Policy) -> list[str]:
    notes = [_LEDGER] if source.attempts == "recorded" else []
    if old.limits != new.limits or old.min_trials != new.min_trials:
        notes.append(_LIMITS)
    return [*notes, _FOLLOWED, _CONTROLS]
