"""What is shown beside a case: earlier cases of its person, and cases that have something in common with it. Pure.

Nothing is decided by it and nobody becomes a part: it is for who has to judge the case. What one has in common with
another is said by its kind alone, as of clusters (`core/traits.py`).
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final, Literal, NamedTuple

from services.triage.core.dispositions import Attack, Verdict
from services.triage.core.life import Stage

SimilarBy = Literal["person", "imagery", "device", "pattern", "timing", "slice"]
AT_MOST: Final = 10
_SUREST: Final[Sequence[SimilarBy]] = ("person", "imagery", "device", "pattern", "timing", "slice")


class Similar(NamedTuple):
    """A case beside another, and by what; `at`: when it last had that, of a person or a slice when it was opened.

    `verdict`, `attack`: what it was last found to be; None: nobody has said so yet.
    """

    case_id: str
    by: SimilarBy
    at: datetime
    kind: str
    state: str
    stage: Stage
    severity: str
    parts: int
    verdict: Verdict | None
    attack: Attack | None


def nearest(found: Iterable[Similar]) -> tuple[Similar, ...]:
    """Return each case once, by the surest that it has in common; the surest first, then the newest; at most ten."""
    order = sorted(found, key=lambda each: (_SUREST.index(each.by), -each.at.timestamp(), each.case_id))
    once = {each.case_id: each for each in reversed(order)}
    return tuple(each for each in order if once[each.case_id] is each)[:AT_MOST]
