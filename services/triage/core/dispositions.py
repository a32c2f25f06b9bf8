"""What a case was found to be, who has to agree, and the labels that it makes.

An analyst says whether a case is cleared or a threat. Where four eyes are asked for that is a proposal until a checker
approves it, who is somebody else; what was proposed on other evidence than the case has now cannot be approved. What is
decided is a label of each transaction of the case: truth for the ledger, like that of upstream's own investigations.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final, Literal, NamedTuple

from proofwatch.events.identity import derived_id
from proofwatch.events.types import Label
from services.triage.core.cases import MEMBERSHIP
from services.triage.core.signals import CaseReason

Verdict = Literal["cleared", "threat"]
Attack = Literal["presentation", "injection", "impostor"]
ATTACKS: Final[tuple[Attack, ...]] = ("presentation", "injection", "impostor")
SPECIES_LENGTH: Final = 64  # the schema's limit
_OF_MATCH: Final = "match_far_below_threshold"
"""A reason that asks whose face it is, beside whether it is a real one."""
_ALL, _NONE, _THREAT = "all", "none", "threat"


class Finding(NamedTuple):
    """What somebody says of a case; `attack` and `species`: of a threat, as far as they are known."""

    verdict: Verdict
    reason: str
    attack: Attack | None = None
    species: str | None = None

    @classmethod
    def of(cls, verdict: Verdict, reason: str, attack: Attack | None = None, species: str | None = None) -> "Finding":
        """Return the finding; a threat of which nobody says otherwise was presented to the sensor.

        Raises `ValueError`, saying what would be right.
        """
        if verdict == "cleared" and (attack or species):
            raise ValueError("what is cleared is no attack: it has neither a kind nor a species")
        if attack == "impostor" and species:
            raise ValueError("an impostor presents their own face: only an attack has a species")
        if species is not None and not 0 < len(species) <= SPECIES_LENGTH:
            raise ValueError(f"a species is named in 1 to {SPECIES_LENGTH} characters")
        return cls(verdict, reason, attack or ("presentation" if verdict == "threat" else None), species)


class Proposal(NamedTuple):
    """A finding that waits for a second person; `on_revision`: of the case, when it was made."""

    disposition_id: str
    finding: Finding
    proposed_by: str
    proposed_at: datetime
    on_revision: int


class Terms(NamedTuple):
    """What the labels of dispositions say of themselves: with what authority, by one person and by two.

    Their sampling probability is 1: every suspicion is a case, and none of a case's transactions is drawn by lot.
    `judged_again`: so large a share of dispositions, drawn by lot, is judged once more by who does not know them.
    """

    by_one: int = 45
    by_two: int = 70
    sampling_probability: float = 1.0
    judged_again: float = 0.0


TERMS: Final = Terms()


class FourEyes(NamedTuple):
    """Which dispositions need a second person: `by_default`, and of tenants that have it otherwise."""

    by_default: str
    by_tenant: Mapping[str, str]

    @classmethod
    def read(cls, text: str) -> "FourEyes":
        """Read `all`, `threat` or `none`, and after it tenants with theirs: `all,acme=threat`. Raises `ValueError`."""
        default, *rest = [each.strip() for each in text.split(",")]
        of = {tenant: asked for tenant, _, asked in (each.partition("=") for each in rest)}
        if wrong := [each for each in (default, *of.values()) if each not in (_ALL, _NONE, _THREAT)]:
            msg = f"four eyes for {wrong[0]!r}: must be all, threat or none, then tenants such as acme=threat"
            raise ValueError(msg)
        return cls(default, of)

    def asked_for(self, tenant: str, verdict: Verdict) -> bool:
        """Return whether a second person has to agree."""
        of = self.by_tenant.get(tenant, self.by_default)
        return of in (_ALL, verdict)


def labels_of(
    tenant: str,
    disposition_id: str,
    finding: Finding,
    reasons: Iterable[CaseReason],
    at: datetime,
    *,
    authority: int,
    sampling_probability: float,
    whose_before: bool = False,
) -> Sequence[Label]:
    """Return a label for each transaction that the case decides, by id: not those that were only in an alarmed cohort.

    `whose_before`: what was found before said whose face it is; what is found now takes that back or confirms it.
    """
    codes: dict[str, set[str]] = {}
    for reason in reasons:
        if reason.transaction_id is not None and reason.code != MEMBERSHIP:
            codes.setdefault(reason.transaction_id, set()).add(reason.code)
    return [
        Label(
            schema_version=1,
            tenant=tenant,
            transaction_id=transaction_id,
            label_id=f"disposition/{derived_id('label', disposition_id, transaction_id)}",
            asserted_at=at,
            authority=authority,
            pair=_pair(finding, whose=whose_before or _OF_MATCH in of),
            presentation="attack" if finding.attack in ("presentation", "injection") else "bona_fide",
            pai_species=finding.species,
            attack_class=None if finding.attack == "impostor" else finding.attack,
            sampling_probability=sampling_probability,
        )
        for transaction_id, of in sorted(codes.items())
    ]


def _pair(finding: Finding, *, whose: bool) -> Literal["genuine", "impostor"] | None:
    if finding.attack == "impostor":
        return "impostor"
    if not whose:
        return None
    return "genuine" if finding.verdict == "cleared" else "impostor"
