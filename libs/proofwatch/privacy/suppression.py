"""Who was erased: what happened by then must not bring them back (ADR 0049).

Stages that write of a subject ask, in the transaction in which they write, by the subject's mark (`marks`).
"""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any, Final

Whose = tuple[str, str]
"""A tenant, and the mark of one of its data subjects."""
Erased = Mapping[Whose, datetime]
"""Of those who were erased, when: what happened by then belongs to nobody any more, what came later is anew."""
_SUPPRESSED: Final = "select tenant, mark, erased_at from privacy.suppressed_of($1::text[], $2::text[])"


async def suppressed(tx: Any, whose: Collection[Whose]) -> Erased:
    """Return of those who were erased until when."""
    if not whose:
        return {}
    tenants, marks = zip(*sorted(set(whose)), strict=True)
    rows = await tx.fetch(_SUPPRESSED, list(tenants), list(marks))
    return {(row["tenant"], row["mark"]): row["erased_at"] for row in rows}


def brings_back(erased: Erased, whose: Whose, at: datetime) -> bool:
    """Return whether something that happened at `at` would bring somebody back who was erased."""
    until = erased.get(whose)
    return until is not None and at <= until
