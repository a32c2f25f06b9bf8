"""Whose processing is restricted (GDPR Art. 18): their data is kept and not used, but in cases that are permitted.

Whoever would use what is stored of a subject asks, in the transaction in which they do, by the subject's mark or tag.
"""

from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from typing import Any, Final, NamedTuple

from proofwatch.privacy.marks import subject_mark
from proofwatch.privacy.suppression import Whose

_MARKS: Final = "select * from privacy.restricted_marks($1)"
_ANYBODY: Final = "select privacy.anybody_restricted($1)"
_TRANSACTIONS: Final = "select * from privacy.restricted_transactions($1, $2::text[])"
_RESTRICTED: Final = "select * from privacy.restricted_of($1::text[], $2::text[], $3)"


class Restriction(NamedTuple):
    """What restricts the processing of a subject, and the cases in which they may be worked with (Art. 18(2))."""

    hold_id: str
    permitted: frozenset[str]


async def restricted(tx: Any, whose: Collection[Whose], now: datetime) -> Mapping[Whose, Restriction]:
    """Return those whose processing is restricted, out of tenants with marks or tags, each as it was given."""
    if not whose:
        return {}
    tenants, subjects = zip(*sorted(set(whose)), strict=True)
    rows = await tx.fetch(_RESTRICTED, list(tenants), list(subjects), now)
    return {(row["tenant"], row["who"]): Restriction(row["hold_id"], frozenset(row["permitted"])) for row in rows}


class RestrictedSubjects(NamedTuple):
    """Those of one tenant, for who has their references: `marks`, and the deployment's secret, which leads to them."""

    tenant: str
    marks: frozenset[str]
    secret: Callable[[], bytes]
    """Raises `InvalidSecret` where there is none."""

    def has(self, subject_ref: str) -> bool:
        """Return whether the subject is one of them. Raises `InvalidSecret` where that cannot be told."""
        return bool(self.marks) and subject_mark(self.secret(), self.tenant, subject_ref) in self.marks


async def restricted_subjects(tx: Any, tenant: str, secret: Callable[[], bytes]) -> RestrictedSubjects:
    """Return whose processing is restricted, of one tenant."""
    return RestrictedSubjects(tenant, await restricted_marks(tx, tenant), secret)


async def restricted_marks(tx: Any, tenant: str) -> frozenset[str]:
    """Return the marks of those whose processing is restricted, of one tenant."""
    return frozenset(row[0] for row in await tx.fetch(_MARKS, tenant))


async def anybody_restricted(tx: Any, tenant: str | None) -> bool:
    """Return whether anybody's processing is restricted, of one tenant; None: of any."""
    return bool(await tx.fetchval(_ANYBODY, tenant))


async def restricted_transactions(tx: Any, tenant: str, ids: Collection[str]) -> frozenset[str]:
    """Return those that are theirs, as far as cases and references to imagery say whose they are."""
    return frozenset(row[0] for row in await tx.fetch(_TRANSACTIONS, tenant, sorted(ids)))
