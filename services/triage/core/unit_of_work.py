"""The cases that one batch touches, and what the batch does to them."""

from collections.abc import Iterable
from datetime import datetime

from services.triage.core.cases import Case, Outcome, Transition, advance, case_id_of
from services.triage.core.signals import Signal


class UnitOfWork:
    """Applies signals in order. It must hold every case that they can concern (`ports.Wanted`)."""

    def __init__(self, cases: Iterable[Case], escalate_at_reasons: int) -> None:
        self._escalate_at_reasons = escalate_at_reasons
        self._by_id: dict[str, Case] = {}
        self._open_subjects: dict[tuple[str, str], str] = {}
        self._by_suspicion: dict[tuple[str, str], str] = {}
        self._changed: set[str] = set()
        self.transitions: list[Transition] = []
        for case in cases:
            self._put(case)

    @property
    def changed(self) -> list[Case]:
        """The cases that are to be saved, by id."""
        return [self._by_id[case_id] for case_id in sorted(self._changed)]

    def apply(self, signal: Signal, now: datetime) -> Outcome:
        """Advance the signal's case; `now` is the log time of the signal."""
        outcome = advance(self._find(signal), signal, now, escalate_at_reasons=self._escalate_at_reasons)
        if outcome.case and outcome.transition:
            self._put(outcome.case)
            self._changed.add(outcome.case.case_id)
            self.transitions.append(outcome.transition)
        return outcome

    def _find(self, signal: Signal) -> Case | None:
        if signal.subject_tag is None:
            return self._by_id.get(case_id_of(signal))
        # A suspicion that is told again after its case was closed must not open another.
        known = self._by_suspicion.get((signal.tenant, signal.cause.source_id))
        return self._by_id.get(known or self._open_subjects.get((signal.tenant, signal.subject_tag), ""))

    def _put(self, case: Case) -> None:
        self._by_id[case.case_id] = case
        if case.subject_tag is None:
            return
        if case.state != "closed":
            self._open_subjects[case.tenant, case.subject_tag] = case.case_id
        for reason in case.reasons:
            self._by_suspicion[case.tenant, reason.source_id] = case.case_id
