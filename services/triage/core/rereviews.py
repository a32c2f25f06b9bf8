"""Blind re-review: some of what people found cases to be is judged again by somebody who does not know it. Pure.

Which are drawn is a matter of chance, that nobody who judges can know: of the disposition's id, which is drawn when it
is made. What the second finds changes no case; it says how far dispositions, which become labels, can be relied on.
"""

import hashlib
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from proofwatch.biometrics.agreement import Agreement, agreement
from services.triage.core.assignments import Refusal
from services.triage.core.dispositions import Attack, Finding, Verdict
from services.triage.core.signals import CaseReason

KEPT: Final = timedelta(hours=24)
"""For so long one that was given to somebody is nobody else's."""
NOT_YOURS: Final = Refusal("not_yours", "it was not given to you, or no more, or is judged: ask for the next one")
_WHOLE: Final = 2**64


class Blind(NamedTuple):
    """What somebody judges again: what was known of a case when it was first judged, not what it was found to be.

    Neither its id nor its severity, which lead to that, or follow from it. `parts`: how many cases it was made of.
    """

    disposition_id: str
    tenant: str
    kind: str
    parts: int
    reasons: tuple[CaseReason, ...]


class Pair(NamedTuple):
    """What two people found one case to be, and when the second did; `case_id`: where they differ, to look there."""

    case_id: str
    tenant: str
    first: Finding
    second: Finding
    judged_at: datetime

    @property
    def differs(self) -> bool:
        """Return whether they disagree, of the kind too."""
        return kind_of(self.first.verdict, self.first.attack) != kind_of(self.second.verdict, self.second.attack)


class Agreed(NamedTuple):
    """How far they agree on whether it is a threat; and on its kind, where that counts, too."""

    verdict: Agreement
    kind: Agreement


def is_drawn(disposition_id: str, share: float) -> bool:
    """Return whether a disposition is judged again; `share`: of all, from 0 to 1."""
    digest = hashlib.blake2b(f"rereview\0{disposition_id}".encode(), digest_size=8).digest()
    return int.from_bytes(digest) < share * _WHOLE


def kind_of(verdict: Verdict, attack: Attack | None) -> str:
    """Return what is compared: cleared, or the kind of attack. Species are words, which differ by spelling."""
    return attack or verdict


def agreed(pairs: Iterable[tuple[Verdict, Attack | None, Verdict, Attack | None]]) -> Agreed:
    """Return how far firsts and seconds agree."""
    found = [*pairs]
    return Agreed(
        agreement((one, other) for one, _, other, _ in found),
        agreement((kind_of(one, first), kind_of(other, second)) for one, first, other, second in found),
    )
