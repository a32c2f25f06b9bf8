"""The one door: every purpose, category, state of consent and basis, one by one; and what lies on the topics."""

from itertools import chain, combinations, product

import pytest

from proofwatch.events.categories import categories_of
from proofwatch.events.topics import load_manifests
from proofwatch.governance.purposes import Category, LegalBasis, Purpose
from proofwatch.governance.release import (
    NO_CONSENTS,
    NO_CONTRACT,
    UNDER_CONTRACT,
    Consents,
    ConsentState,
    Denied,
    Reason,
    Refused,
    Released,
    decide,
    require,
)

# Written out by hand, apart from the code: which letters of "account configuration diagnostic face identification"
# serve a purpose, and on what basis; upper case: only with the data subject's consent.
AGREED = {
    "provide_features": ("acdfi", "contract"),
    "maintain_and_deliver_statistics": ("ac", "contract"),
    "troubleshooting": ("acdfi", "contract"),
    "billing": ("ad", "contract"),
    "improve_and_develop": ("cdFI", "legitimate_interest"),
}
BASES = tuple(
    frozenset(each)
    for each in chain.from_iterable(combinations(LegalBasis, count) for count in range(len(LegalBasis) + 1))
)
EVERY = tuple(product(Purpose, Category, ConsentState, BASES))


def expected(purpose: Purpose, category: Category, state: ConsentState, bases: frozenset[LegalBasis]) -> str:
    letters, basis = AGREED[purpose]
    letter = category[0]
    if letter not in letters.lower():
        return "category_not_allowed"
    if basis not in bases:
        return "basis_not_in_force"
    if letter in letters or state == "granted":
        return "released"
    return {"withdrawn": "consent_withdrawn", "expired": "consent_expired", "none": "consent_missing"}[state]


def test_every_cell_is_counted() -> None:
    """Five purposes, five categories, four states of consent, four sets of bases: none is left out."""
    assert len(EVERY) == 5 * 5 * 4 * 4
    released = sum(expected(*each) == "released" for each in EVERY)
    assert released == (5 + 2 + 5 + 2) * 4 * 2 + 2 * 4 * 2 + 2 * 1 * 2


@pytest.mark.parametrize("purpose", Purpose)
def test_each_cell_is_decided_as_agreed(purpose: Purpose) -> None:
    """Each combination is released on its basis, or refused with exactly one reason that names what is at fault."""
    for _, category, state, bases in (each for each in EVERY if each[0] is purpose):
        decided = decide(purpose, [category], {purpose: state}, bases)
        wanted = expected(purpose, category, state, bases)

        if isinstance(decided, Released):
            assert wanted == "released", (category, state, bases)
            assert decided.basis == AGREED[purpose][1]
            assert decided.on_consent == ({category} if category[0].upper() in AGREED[purpose][0] else frozenset())
        else:
            assert (decided.reason, decided.categories) == (wanted, (category,)), (category, state, bases)


@pytest.mark.parametrize("purpose", Purpose)
def test_one_category_that_may_not_refuses_the_whole(purpose: Purpose) -> None:
    """What is asked for together leaves together or not at all: every subset of categories agrees with its cells."""
    for count in range(1, 6):
        for together in combinations(Category, count):
            for state in ConsentState:
                single = [decide(purpose, [each], {purpose: state}, UNDER_CONTRACT) for each in together]
                whole = decide(purpose, together, {purpose: state}, UNDER_CONTRACT)
                assert isinstance(whole, Refused) == any(isinstance(each, Refused) for each in single)


def test_consent_serves_the_purpose_that_it_was_given_for() -> None:
    """A consent for everything else is none for training."""
    others: Consents = {each: ConsentState.GRANTED for each in Purpose if each is not Purpose.IMPROVE_AND_DEVELOP}

    decided = decide(Purpose.IMPROVE_AND_DEVELOP, [Category.FACE_FEATURES], others, UNDER_CONTRACT)

    assert decided == Refused(Purpose.IMPROVE_AND_DEVELOP, Reason.CONSENT_MISSING, (Category.FACE_FEATURES,))


@pytest.mark.parametrize("purpose", Purpose)
def test_whose_processing_is_restricted_serves_no_purpose(purpose: Purpose) -> None:
    """Whatever else would release it: it is stored and not used (GDPR Art. 18)."""
    for _, category, state, bases in (each for each in EVERY if each[0] is purpose):
        decided = decide(purpose, [category], {purpose: state}, bases, restricted=True)
        assert decided == Refused(purpose, Reason.PROCESSING_RESTRICTED, (category,))
        assert "GDPR Art. 18" in str(decided)


@pytest.mark.parametrize("purpose", Purpose)
def test_what_names_no_category_is_denied(purpose: Purpose) -> None:
    """Nothing named cannot be judged, whatever is in force."""
    decided = decide(purpose, [], {purpose: ConsentState.GRANTED}, UNDER_CONTRACT)

    assert isinstance(decided, Refused)
    assert decided.reason is Reason.NOTHING_NAMED


def test_a_state_of_consent_that_is_none_of_ours_is_no_consent() -> None:
    """What was read from elsewhere and is not exactly `granted` refuses."""
    mistyped = {Purpose.IMPROVE_AND_DEVELOP: "GRANTED"}

    decided = decide(Purpose.IMPROVE_AND_DEVELOP, [Category.FACE_FEATURES], mistyped, UNDER_CONTRACT)  # type: ignore[arg-type]

    assert isinstance(decided, Refused)


@pytest.mark.parametrize("reason", Reason)
def test_each_refusal_is_a_sentence(reason: Reason) -> None:
    """An operator reads purpose, cause and the code to search for."""
    said = str(Refused(Purpose.BILLING, reason, (Category.FACE_FEATURES,)))

    assert said.startswith("billing: ")
    assert said.endswith(f"({reason})")
    assert "_" not in said.removesuffix(f"({reason})")


def test_a_closed_door_raises() -> None:
    """An exit that does not look at the answer gives out nothing."""
    with pytest.raises(Denied, match="face features"):
        require(Purpose.BILLING, [Category.FACE_FEATURES])
    with pytest.raises(Denied, match="not in force"):
        require(Purpose.BILLING, [Category.ACCOUNT], NO_CONSENTS, NO_CONTRACT)
    assert require(Purpose.BILLING, [Category.ACCOUNT]).basis is LegalBasis.CONTRACT


@pytest.mark.parametrize("name", load_manifests())
def test_no_field_lies_on_a_topic_whose_purposes_forbid_it(name: str) -> None:
    """A topic is read for all of its purposes, so each of them must allow each field; consent is no help on a topic."""
    manifest = load_manifests()[name]
    fields = {
        (event.name, place): category
        for event in manifest.events
        for version in event.versions
        for place, category in categories_of(event.name, version).items()
    }
    assert fields
    denied = [
        (purpose, *field, decided.reason)
        for purpose in manifest.purposes
        for field, category in fields.items()
        for decided in (decide(purpose, [category], NO_CONSENTS, UNDER_CONTRACT),)
        if isinstance(decided, Refused)
    ]

    assert denied == []
