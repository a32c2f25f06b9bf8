"""What was found of a case as labels, and where a second person is asked for."""

from typing import Any

import pytest

from services.triage.core.dispositions import Finding, FourEyes, labels_of
from services.triage.core.signals import CaseReason
from tests.unit.triage.events import AT

LIVENESS, MATCH, MEMBER = "liveness_failures_persist", "match_far_below_threshold", "alarmed_cohort"


def reason(transaction_id: str | None, code: str = LIVENESS) -> CaseReason:
    return CaseReason(f"s-{transaction_id}-{code}", 1, code, AT, transaction_id, "high", {})


def labels(finding: Finding, *reasons: CaseReason, **given: Any) -> list[tuple[Any, ...]]:
    found = labels_of("acme", "d-1", finding, reasons, AT, authority=70, sampling_probability=1.0, **given)
    return [(e.transaction_id, e.presentation, e.attack_class, e.pai_species, e.pair) for e in found]


CLEARED = Finding.of("cleared", "poor light")
MASK = Finding.of("threat", "a mask", species="silicone_mask")
INJECTED = Finding.of("threat", "a virtual camera", "injection", "virtual_camera")
IMPOSTOR = Finding.of("threat", "the brother", "impostor")


@pytest.mark.parametrize(
    ("finding", "of_liveness", "of_match"),
    [
        (CLEARED, ("bona_fide", None, None, None), ("bona_fide", None, None, "genuine")),
        (
            MASK,
            ("attack", "presentation", "silicone_mask", None),
            ("attack", "presentation", "silicone_mask", "impostor"),
        ),
        (
            INJECTED,
            ("attack", "injection", "virtual_camera", None),
            ("attack", "injection", "virtual_camera", "impostor"),
        ),
        (IMPOSTOR, ("bona_fide", None, None, "impostor"), ("bona_fide", None, None, "impostor")),
    ],
)
def test_what_a_finding_says_of_each_transaction(finding: Finding, of_liveness: Any, of_match: Any) -> None:
    """Whose face it is, only where that was in question, or is what was found."""
    assert labels(finding, reason("t-1"), reason("t-2", MATCH)) == [("t-1", *of_liveness), ("t-2", *of_match)]


@pytest.mark.parametrize("first", [CLEARED, MASK, INJECTED, IMPOSTOR])
@pytest.mark.parametrize("second", [CLEARED, MASK, INJECTED, IMPOSTOR])
def test_what_is_found_later_leaves_nothing_of_what_was_found_before(first: Finding, second: Finding) -> None:
    """Each aspect that the first asserted the second asserts, too: silence takes nothing back."""
    for of in (reason("t-1"), reason("t-1", MATCH)):
        (before,) = labels(first, of)
        (after,) = labels(second, of, whose_before=before[-1] is not None)
        assert all(now is not None for now, was in zip(after[1::3], before[1::3], strict=True) if was is not None)


def test_a_label_for_each_transaction_that_is_decided_and_the_same_again() -> None:
    """Once each; none for what was only looked at since its cohort was in alarm, nor for what has no transaction."""
    of = [reason("t-2"), reason("t-1"), reason("t-1", MATCH), reason("t-3", MEMBER), reason(None)]
    found = labels_of("acme", "d-1", MASK, of, AT, authority=70, sampling_probability=0.5)
    again = labels_of("acme", "d-1", MASK, of[::-1], AT, authority=70, sampling_probability=0.5)
    other = labels_of("acme", "d-2", MASK, of, AT, authority=70, sampling_probability=0.5)
    assert [each.transaction_id for each in found] == ["t-1", "t-2"]
    assert found == again
    assert not {each.label_id for each in found} & {each.label_id for each in other}
    assert {(each.authority, each.sampling_probability, each.asserted_at) for each in found} == {(70, 0.5, AT)}


@pytest.mark.parametrize(
    ("text", "tenant", "asked"),
    [
        ("all", "acme", {"cleared", "threat"}),
        ("none", "acme", set()),
        ("threat", "acme", {"threat"}),
        ("all, acme=none", "acme", set()),
        ("none,acme=threat", "acme", {"threat"}),
        ("none,acme=threat", "other", set()),
    ],
)
def test_where_four_eyes_are_asked_for(text: str, tenant: str, asked: set[str]) -> None:
    """Of all tenants, or as one of them has it."""
    rule = FourEyes.read(text)
    assert {each for each in ("cleared", "threat") if rule.asked_for(tenant, each)} == asked


@pytest.mark.parametrize("text", ["", "some", "all,acme", "all,acme=maybe", "acme=all"])
def test_what_is_no_rule_of_four_eyes_is_refused(text: str) -> None:
    """It says what would be right."""
    with pytest.raises(ValueError, match="must be all, threat or none"):
        FourEyes.read(text)


@pytest.mark.parametrize(
    "given", [("cleared", "x", "injection"), ("cleared", "x", None, "mask"), ("threat", "x", "impostor", "mask"),
              ("threat", "x", None, ""), ("threat", "x", None, "m" * 65)],
)  # fmt: skip
def test_what_cannot_be_found_is_refused(given: Any) -> None:
    """No species of what is no attack."""
    with pytest.raises(ValueError, match=r"attack|species"):
        Finding.of(*given)
