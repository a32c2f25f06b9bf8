"""An erasure and its steps. Each may be done again, and leads to the same: whoever dies between two is gone on from."""

from collections.abc import Collection, Mapping
from datetime import date, datetime
from typing import Final, Literal, NamedTuple

State = Literal["requested", "running", "done", "withdrawn"]
Step = Literal["suppressed", "found", "announced", "unlinked", "tombstoned", "uncached", "settled"]
Figures = Mapping[str, int]
"""What a step did, counted; never whom it was about."""

STEPS: Final[tuple[Step, ...]] = (
    "suppressed",  # from here on nothing that happened by now brings the person back
    "found",  # which transactions are theirs: topics and cases still say it
    "announced",  # on the topic of erasures: a restored database is told again
    "unlinked",  # cases, ledger, imagery, consents, the key: one transaction
    "tombstoned",  # the compacted topics
    "uncached",  # Redis
    "settled",  # receipt entered, what was known of the person for this gone: one transaction
)


class Subject(NamedTuple):
    """Who is to be erased; known in the clear only while that goes on."""

    tenant: str
    subject_ref: str
    mark: str

    def __repr__(self) -> str:
        return f"Subject({self.tenant}, {self.mark})"


_FOUND: Final = ("transactions", "cases", "imagery_references", "consents", "ledger_rows", "cache_keys")


class Erasure(NamedTuple):
    """An erasure as it stands; `done`: its steps, with what each did."""

    erasure_id: str
    tenant: str
    mark: str
    state: State
    reason: str
    requested_by: str
    requested_at: datetime
    approved_by: str | None
    approved_at: datetime | None
    done: Mapping[str, Figures]
    forgotten_by: date | None = None
    """The day by whose end the last topic has forgotten; None: it has not ended, or was told again after a restore."""


def is_of_nobody(figures: Figures) -> bool:
    """Return whether an erasure found nothing of a person: the reference may be another than theirs."""
    return not any(figures.get(name) for name in _FOUND)


Ground = Literal["accuracy", "unlawful", "legal_claims", "objection"]
"""Of a restriction (GDPR Art. 18(1)): accuracy contested; unlawful, and erasure opposed; needed by the person for legal
claims; an objection is pending."""
Use = Literal["consent", "legal_claims", "rights_of_others", "public_interest"]
"""For what restricted data may be used all the same (Art. 18(2))."""


class PermittedUse(NamedTuple):
    """A case of a restricted person that may be worked on all the same, for what, and until when."""

    case_id: str
    use: Use
    until: datetime


class Hold(NamedTuple):
    """Why somebody's data must be kept, on whose word, and until when; None: until it is lifted.

    `placer`: the name of the account of who placed it. `ground`: it restricts the processing, too: what it keeps is not
    used; None: it keeps and closes nothing. `permitted`: what may be used all the same, where it was asked for.
    """

    hold_id: str
    tenant: str
    mark: str
    reason: str
    placed_by: str
    placed_at: datetime
    until: datetime | None
    placer: str
    ground: Ground | None = None
    permitted: tuple[PermittedUse, ...] = ()


class Held(Exception):
    """A hold keeps the data of a person: nothing is erased. The message says who placed it, why, and until when."""

    def __init__(self, hold: Hold) -> None:
        self.hold = hold
        until = f"until {hold.until:%Y-%m-%d %H:%M} UTC" if hold.until else "until it is lifted"
        what = "a restriction of processing (GDPR Art. 18)" if hold.ground else "a legal hold"
        super().__init__(
            f"{what} keeps this person's data: {hold.reason!r}, placed by {hold.placer} on "
            f"{hold.placed_at:%Y-%m-%d}, {until}; hold {hold.hold_id}. Nothing was erased. Somebody else of the role "
            f"privacy may lift it: proofwatch hold lift {hold.hold_id}"
        )


def next_step(done: Collection[str]) -> Step | None:
    """Return the first step that is not done; None: all are."""
    return next((step for step in STEPS if step not in done), None)
