"""The one door of what leaves: may these categories of data serve this purpose, here and now? Default deny.

Every exit asks it with its purpose (ADR 0050): a command, an export, a page. The matrix (`purposes`) says what may
serve what; beside it the legal basis must be in force with the customer, and for sensitive data in training the data
subject's explicit consent (GDPR Art. 6(1)(a), 7, 9(2)(a)). What is released on consent is the data of one subject, so
whoever releases many asks for each. Pure: what is in force is told to it.
"""

from collections.abc import Collection, Mapping
from enum import StrEnum
from typing import Final, NamedTuple

from proofwatch.governance.purposes import Category, LegalBasis, Purpose, allowed, needs_consent


class ConsentState(StrEnum):
    """What is in force of one subject's consent for one purpose."""

    GRANTED = "granted"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"
    NONE = "none"


class Reason(StrEnum):
    """Why nothing is released."""

    NOTHING_NAMED = "nothing_named"
    PROCESSING_RESTRICTED = "processing_restricted"
    CATEGORY_NOT_ALLOWED = "category_not_allowed"
    BASIS_NOT_IN_FORCE = "basis_not_in_force"
    CONSENT_MISSING = "consent_missing"
    CONSENT_WITHDRAWN = "consent_withdrawn"
    CONSENT_EXPIRED = "consent_expired"


class Released(NamedTuple):
    """It may leave: on which basis, and what of it on the subject's consent as well."""

    purpose: Purpose
    basis: LegalBasis
    on_consent: frozenset[Category]


class Refused(NamedTuple):
    """Nothing leaves: why, and which categories are at fault, sorted."""

    purpose: Purpose
    reason: Reason
    categories: tuple[Category, ...]

    def __str__(self) -> str:
        """Return the refusal in a sentence."""
        named = ", ".join(category.replace("_", " ") for category in self.categories)
        return f"{self.purpose.replace('_', ' ')}: {_WORDS[self.reason].format(named)} ({self.reason})"


class Denied(Exception):
    """The door is closed; the message is the refusal's."""

    def __init__(self, refused: Refused) -> None:
        super().__init__(str(refused))
        self.refused = refused


Consents = Mapping[Purpose, ConsentState]
"""What is in force of one subject's consents; a purpose that is not there has none."""

NO_CONSENTS: Final[Consents] = {}
"""Of exits that ask nobody for consent: what needs one does not leave through them."""
UNDER_CONTRACT: Final = frozenset(LegalBasis)
"""The bases in force while the customer's contract is: without it the processor has no instruction to process (GDPR
Art. 28(3)), so the legitimate interest falls with it."""
NO_CONTRACT: Final[frozenset[LegalBasis]] = frozenset()

_CONSENT_REASONS: Final = {
    ConsentState.WITHDRAWN: Reason.CONSENT_WITHDRAWN,
    ConsentState.EXPIRED: Reason.CONSENT_EXPIRED,
}
_WORDS: Final = {
    Reason.NOTHING_NAMED: "what is asked for names no category of data, so it cannot be judged",
    Reason.PROCESSING_RESTRICTED: "the processing of this data subject's data is restricted (GDPR Art. 18), so {} is "
    "stored and not used",
    Reason.CATEGORY_NOT_ALLOWED: "the matrix does not let {} serve this purpose",
    Reason.BASIS_NOT_IN_FORCE: "the legal basis is not in force, so {} may not leave",
    Reason.CONSENT_MISSING: "the data subject has given no consent, which {} needs",
    Reason.CONSENT_WITHDRAWN: "the data subject has withdrawn the consent that {} needs",
    Reason.CONSENT_EXPIRED: "the consent that {} needs has expired",
}


def decide(
    purpose: Purpose,
    categories: Collection[Category],
    consents: Consents,
    bases: Collection[LegalBasis],
    *,
    restricted: bool = False,
) -> Released | Refused:
    """Return whether data of all these categories may serve the purpose; one that may not refuses the whole.

    `consents`: of the subject that the data is about. `bases`: what is in force with its customer. `restricted`: the
    processing of the subject's data is, so that no consent to a purpose and no basis opens it (GDPR Art. 18).
    """
    asked = sorted(set(categories))
    if not asked:
        return Refused(purpose, Reason.NOTHING_NAMED, ())
    if restricted:
        return Refused(purpose, Reason.PROCESSING_RESTRICTED, tuple(asked))
    if at_fault := tuple(each for each in asked if allowed(each, purpose) is None):
        return Refused(purpose, Reason.CATEGORY_NOT_ALLOWED, at_fault)
    if at_fault := tuple(each for each in asked if allowed(each, purpose) not in bases):
        return Refused(purpose, Reason.BASIS_NOT_IN_FORCE, at_fault)
    on_consent = tuple(each for each in asked if needs_consent(each, purpose))
    state = consents.get(purpose, ConsentState.NONE)
    if on_consent and state is not ConsentState.GRANTED:
        return Refused(purpose, _CONSENT_REASONS.get(state, Reason.CONSENT_MISSING), on_consent)
    basis = allowed(asked[0], purpose)
    assert basis is not None
    return Released(purpose, basis, frozenset(on_consent))


def require(
    purpose: Purpose,
    categories: Collection[Category],
    consents: Consents = NO_CONSENTS,
    bases: Collection[LegalBasis] = UNDER_CONTRACT,
) -> Released:
    """Return what `decide` does where it releases. Raises `Denied` where it does not."""
    decided = decide(purpose, categories, consents, bases)
    if isinstance(decided, Refused):
        raise Denied(decided)
    return decided
