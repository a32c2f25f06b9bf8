"""What a decision about imagery looks at, gathered in the transaction that grants or shows."""

from datetime import datetime
from typing import Final, Literal, NamedTuple

from proofwatch.access.reasons import stated
from proofwatch.governance.purposes import Category, Purpose, allowed, needs_consent

Act = Literal["lease", "view"]
CATEGORY: Final = Category.FACE_FEATURES
"""Of an image that a face is recognised from (GDPR Art. 4(14) and 9(1))."""


class Viewer(NamedTuple):
    """Who asks, as the session says that is open now. `tenants` None: all."""

    person_id: str
    session_id: str
    roles: frozenset[str]
    tenants: frozenset[str] | None
    confirmed_at: datetime
    """When the person last gave a second factor."""


class CaseFacts(NamedTuple):
    """The case that the transaction is opened for, as it is now."""

    case_id: str
    tenant: str
    open: bool
    high_risk: bool
    assignee: str | None
    has_transaction: bool
    homes: frozenset[str] = frozenset()
    """The case that has the transaction, and the one that it is a part of: a use is permitted in either."""


class ImageryFacts(NamedTuple):
    """The imagery of a transaction: whether the watch flagged it, where it lies, whether its person is erased."""

    tenant: str
    transaction_id: str
    flagged: bool
    located: bool
    erased: bool
    consented: bool
    restricted_by: str | None = None
    """The hold by which the processing of its person is restricted."""


class Flagged(NamedTuple):
    """A transaction that the watch flagged, and what upstream said of its imagery."""

    tenant: str
    transaction_id: str
    subject_tag: str
    imagery_ref: str | None
    imagery_sha256: str | None
    imagery_media_type: str | None
    flagged_at: datetime

    def with_imagery_of(self, later: "Flagged") -> "Flagged":
        """Return this, with what a later suspicion of the same transaction says of the same imagery of the same person.

        What is known stays. Of another person, or where other imagery is known, nothing comes to it.
        """
        if later.subject_tag != self.subject_tag or (
            self.imagery_ref is not None and later.imagery_ref not in (None, self.imagery_ref)
        ):
            return self
        return self._replace(
            imagery_ref=self.imagery_ref or later.imagery_ref,
            imagery_sha256=self.imagery_sha256 or later.imagery_sha256,
            imagery_media_type=self.imagery_media_type or later.imagery_media_type,
        )


class Moment(NamedTuple):
    """When it is decided, and the latest time before at which it was.

    `now` is taken once whoever decided before has ended: one that is earlier than `last_seen` is of a clock that went
    back, never of somebody who waited.
    """

    now: datetime
    last_seen: datetime


class Limits(NamedTuple):
    """What the deployment allows."""

    confirmed_within_s: int = 900
    views_a_day: int = 200


class Request(NamedTuple):
    """What is asked, by whom, why, and when. `break_glass`: a second person has agreed, and it is not over."""

    act: Act
    viewer: Viewer
    case: CaseFacts
    imagery: ImageryFacts
    purpose: Purpose
    reason: str
    at: datetime
    last_seen_at: datetime
    """The latest time that the broker has acted at: a clock must not go back behind it."""
    views_today: int
    break_glass: bool
    limits: Limits
    glass_id: str | None = None
    """What was asked for and agreed to, if it is that which stands in for the assignment."""
    second_person: str | None = None
    use_permitted: bool = False
    """The case may be worked on although processing is restricted."""

    def context(self) -> dict[str, object]:
        """Return the facts beside person and imagery, as the policy names them."""
        return {
            "purpose": self.purpose.value,
            "reason_given": bool(stated(self.reason)),
            "purpose_allowed": allowed(CATEGORY, self.purpose) is not None,
            "consent_needed": needs_consent(CATEGORY, self.purpose),
            "case_tenant": self.case.tenant,
            "case_open": self.case.open,
            "case_has_transaction": self.case.has_transaction,
            "case_high_risk": self.case.high_risk,
            "assignee": self.case.assignee or "",
            "break_glass": self.break_glass,
            "use_permitted": self.use_permitted,
            "confirmed_seconds_ago": int((self.at - self.viewer.confirmed_at).total_seconds() // 1),
            "confirmed_within": self.limits.confirmed_within_s,
            "views_today": self.views_today,
            "views_a_day": self.limits.views_a_day,
            "clock_set_back": self.at < self.last_seen_at,
        }

    def person(self) -> dict[str, object]:
        """Return what the policy knows of who asks."""
        tenants = self.viewer.tenants
        return {
            "id": self.viewer.person_id,
            "roles": sorted(self.viewer.roles),
            "all_tenants": tenants is None,
            "tenants": sorted(tenants or ()),
        }

    def resource(self) -> dict[str, object]:
        """Return what the policy knows of the imagery."""
        return {
            "tenant": self.imagery.tenant,
            "flagged": self.imagery.flagged,
            "located": self.imagery.located,
            "erased": self.imagery.erased,
            "restricted": self.imagery.restricted_by is not None,
            "consented": self.imagery.consented,
        }
