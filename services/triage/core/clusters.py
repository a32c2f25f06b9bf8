"""Attack clusters (ADR 0058): cases that one attack made become parts of one case, by what they have in common.

A cluster is of one day (UTC, of when it happened), and of one trait, or of one alarm on a slice of handsets while that
lasts. It is opened once it has `AT_LEAST` cases, with those that came before, so it does not matter which came first.
Of several clusters a case belongs to the one of the surest evidence. Pure.
"""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Final, Literal, NamedTuple

from proofwatch.events.identity import case_id, derived_id
from services.triage.core.signals import CaseReason, CohortRate, Signal

By = Literal["imagery", "device", "pattern", "timing", "cohort"]
AT_LEAST: Final[Mapping[By, int]] = {"imagery": 3, "device": 3, "pattern": 5, "timing": 3, "cohort": 5}
"""The surest first, and so many cases have it: a family may share a handset, and a pattern may match by mistake."""
TRIAGE: Final = "triage"
"""Who puts cases into clusters."""
OUTRANKED: Final = "surer_evidence"
"""Why triage takes a part out of a cluster: it belongs to another one by surer evidence."""
_CODE_LENGTH: Final = 64


class Grown(NamedTuple):
    """A cluster that has enough cases, and no case of its own yet; `at`: when the last of them was logged.

    `key`: the mark of a trait, or of an alarm its incident. `value`: of a pattern its id. `rate`: of an alarm.
    """

    by: By
    tenant: str
    key: str
    day: date
    at: datetime
    value: str | None = None
    rate: CohortRate | None = None

    @property
    def source_id(self) -> str:
        """Return the id of what opens its case."""
        return derived_id("cluster", self.tenant, self.by, self.key, self.day.isoformat())

    @property
    def case_id(self) -> str:
        """Return the id of its case."""
        return case_id(self.tenant, "cluster", self.source_id)


def opening(grown: Grown) -> Signal:
    """Return the signal that opens the case of a cluster; its reason says by what, and from how many cases on."""
    cause = CaseReason(
        source_id=grown.source_id,
        source_revision=1,
        code=".".join(filter(None, (f"cluster_{grown.by}", grown.value)))[:_CODE_LENGTH],
        at=grown.at,
        transaction_id=None,
        severity="high",
        evidence={"at_least": float(AT_LEAST[grown.by])},
    )
    return Signal(grown.tenant, None, grown.rate, cause, is_cluster=True)
