"""The status of a worst-of figure is made by every member, not by the one with the highest observed rate."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET

from proofwatch.biometrics.evidence import Reason
from proofwatch.biometrics.figures import Status, judge
from proofwatch.biometrics.intervals import clopper_pearson_lower, clopper_pearson_upper
from proofwatch.biometrics.rates import SpeciesCounts, apcer_status
from proofwatch.biometrics.worst_of import MOST_NAMED, TOGETHER, SegmentFigure, SpeciesFigure, WorstOf, worst_of
from tests.unit.biometrics.samples import many_examples
from tests.unit.biometrics.vectors import Case, cases

LIMIT = 0.005
counts = st.integers(0, 3000).flatmap(lambda n: st.tuples(st.integers(0, min(n, 60)), st.just(n)))
some_members = st.dictionaries(st.sampled_from(["print", "replay", "mask", "cut-out", "unknown"]), counts)


def of(**members: tuple[int, int]) -> WorstOf:
    return worst_of(members, LIMIT, min_trials=30, unnamed={"unknown"})


@cases("apcer_status")
def test_a_breach_does_not_hide_behind_a_tiny_species(case: Case) -> None:
    """The reference case: 40 of 4,000 replays breach, whatever 1 of 30 masks looks like."""
    species = {name: SpeciesCounts(n, k) for name, (k, n) in case.input["species"].items()}
    found = apcer_status(species, case.input["limit"], case.input["min_trials"])
    assert {m.name: m.status for m in found.members} == case.expected["by_species_unadjusted"]
    assert found.status == case.expected["headline"]
    assert list(found.concerned) == case.expected["breaching_species"]
    assert found.worst == "mask"


def test_attacks_of_unknown_species_are_no_species() -> None:
    """They neither lead nor forbid PASS by being few."""
    found = apcer_status({"print": SpeciesCounts(598, 0), "unknown": SpeciesCounts(40, 1)}, LIMIT)
    assert (found.status, found.worst) == (Status.PASS, "print")


def test_pass_needs_every_named_member() -> None:
    """One species with too few trials forbids PASS, and is named."""
    assert of(print=(0, 598), replay=(0, 598)).status is Status.PASS
    assert of(print=(0, 598), replay=(0, 598)).concerned == ()
    found = of(print=(0, 598), replay=(0, 29))
    assert (found.status, found.concerned) == (Status.INSUFFICIENT, ("replay",))
    assert worst_of({"a": (0, 10_000), "b": (0, 20)}, 0.5, min_trials=30).status is Status.INSUFFICIENT


def test_too_few_trials_and_straddling_are_told_apart() -> None:
    """597 trials could never have shown 0.5 %; 4,000 could have, with fewer than these 20 errors."""
    found = {m.name: m for m in of(few=(0, 597), straddles=(20, 4_000), passes=(0, 5_000)).members}
    assert found["few"].reason is Reason.TOO_FEW_TRIALS
    assert found["straddles"].reason is Reason.STRADDLES_THE_LIMIT
    assert found["passes"].reason is None
    assert found["few"].needed_without_error == found["few"].needed_at_present_rate == 1


def test_many_members_need_stronger_evidence_for_a_breach() -> None:
    """What would be a breach alone is none among ten, and the members in question are still named."""
    alone = {"m0": (6, 500)}
    assert judge(6, 500, LIMIT) is Status.BREACH
    assert worst_of(alone, LIMIT, min_trials=30).status is Status.BREACH
    ten = alone | {f"m{i}": (0, 600) for i in range(1, 10)}
    found = worst_of(ten, LIMIT, min_trials=30)
    assert (found.status, found.concerned) == (Status.INSUFFICIENT, ("m0",))
    assert clopper_pearson_lower(6, 500, 0.995) <= LIMIT


def test_an_unnamed_mixture_is_never_the_headline_but_forbids_pass_when_in_breach() -> None:
    """The mean of a mixture above the limit proves that something in it is above."""
    clean = of(print=(0, 598), unknown=(0, 3))
    assert (clean.status, clean.worst) == (Status.PASS, "print")
    dirty = of(print=(0, 598), unknown=(50, 100))
    assert (dirty.status, dirty.concerned, dirty.worst) == (Status.INSUFFICIENT, ("unknown",), "print")
    assert of(unknown=(0, 5_000)).status is Status.INSUFFICIENT
    assert of() == WorstOf(Status.INSUFFICIENT, LIMIT, (), None, ())


def test_the_highest_rate_leads_and_of_equals_the_one_that_proves_least() -> None:
    """Half the trials with half the errors come first."""
    found = of(big=(4, 2_000), small=(2, 1_000), worse=(9, 3_000))
    assert [m.name for m in found.members] == ["worse", "small", "big"]
    assert found.worst == "worse"


def test_a_member_without_a_scored_trial_forbids_pass() -> None:
    """A species whose every presentation was a non-response is not proven."""
    found = of(print=(0, 598), mask=(0, 0))
    assert (found.status, found.concerned) == (Status.INSUFFICIENT, ("mask",))
    mask = next(m for m in found.members if m.name == "mask")
    assert (mask.rate, mask.needed_without_error, mask.needed_at_present_rate) == (None, 598, None)


@many_examples
@given(some_members)
def test_the_headline_follows_from_the_members(members: dict[str, tuple[int, int]]) -> None:
    """BREACH iff an eligible member is in corrected breach; PASS only if each named one passes alone, on enough."""
    found = worst_of(members, LIMIT, min_trials=30, unnamed={"unknown"})
    eligible = [name for name, (k, n) in members.items() if name != "unknown" and (n >= 30 or k >= 5)]
    could = sum(name != "unknown" and n >= 5 for name, (_, n) in members.items())
    breach = [name for name in eligible if clopper_pearson_lower(*members[name], 1 - 0.05 / max(1, could)) > LIMIT]
    assert (found.status is Status.BREACH) == bool(breach)
    assert all(each.eligible for each in found.members if each.status is Status.BREACH)
    if breach:
        assert set(found.concerned) == set(breach)
    if found.status is Status.PASS:
        named = [name for name in members if name != "unknown"]
        assert named
        assert all(members[name][1] >= 30 and judge(*members[name], LIMIT) is Status.PASS for name in named)


@many_examples
@given(st.integers(0, 40), st.integers(1, 4_000))
def test_the_trials_still_needed_are_the_fewest(k: int, n: int) -> None:
    """With that many more error-free trials the limit is shown; with one fewer it is not."""
    (member,) = worst_of({"m": (min(k, n), n)}, LIMIT, min_trials=30).members
    more = member.needed_without_error
    if member.reason is None:
        assert more is None
        return
    assert more is not None
    assert n + more >= 30
    assert clopper_pearson_upper(member.k, n + more) <= LIMIT
    if more and n + more > 30:
        assert clopper_pearson_upper(member.k, n + more - 1) > LIMIT


def test_trials_needed_at_the_present_rate_decide_either_way() -> None:
    """Half the limit: some thousands show it kept. Twice the limit: about as many show the breach. At it: never."""
    below, above, at = (worst_of({"m": (k, 2_000)}, LIMIT, min_trials=30).members[0] for k in (5, 15, 10))
    assert below.needed_at_present_rate is not None
    total = 2_000 + below.needed_at_present_rate
    assert judge(int(total * 5 / 2_000), total, LIMIT) is Status.PASS
    assert judge(int(total * 5 / 2_000) + 1, total, LIMIT) is Status.INSUFFICIENT
    assert above.needed_at_present_rate is not None
    total = 2_000 + above.needed_at_present_rate
    assert judge(int(total * 15 / 2_000) + 1, total, LIMIT) is Status.BREACH
    assert judge(int(total * 15 / 2_000) - 1, total, LIMIT) is Status.INSUFFICIENT
    assert at.needed_at_present_rate is None


@pytest.mark.parametrize(("members", "limit"), [({"m": (2, 1)}, 0.01), ({"m": (-1, 1)}, 0.01), ({"m": (0, 1)}, 0.0)])
def test_impossible_input_is_refused(members: dict[str, tuple[int, int]], limit: float) -> None:
    """The message names the member and what would be right."""
    with pytest.raises(ValueError, match=r"must hold|strictly between"):
        worst_of(members, limit, min_trials=30)


def test_five_errors_prove_it_among_however_few_trials() -> None:
    """Trials enough are asked of what shows a limit kept. Four errors of four are a hint: no BREACH without proof."""
    found = worst_of({"deepfake": (17, 24)}, LIMIT, min_trials=30)
    assert (found.status, found.concerned, found.worst) == (Status.BREACH, ("deepfake",), "deepfake")
    assert (found.members[0].status, found.members[0].eligible, found.members[0].reason) == (Status.BREACH, True, None)
    four = worst_of({"deepfake": (4, 4)}, LIMIT, min_trials=30)
    assert (four.status, four.worst) == (Status.INSUFFICIENT, None)
    assert (four.members[0].status, four.members[0].eligible) == (Status.INSUFFICIENT, False)
    kept = worst_of({"deepfake": (5, 29)}, 0.5, min_trials=30)
    assert kept.status is Status.INSUFFICIENT, "five errors count against a system, never for it"
    assert kept.members[0].status is Status.INSUFFICIENT


def test_a_mixture_above_the_limit_is_said_in_words_of_its_own() -> None:
    """Unnamed members, or members too small to lead, may be above it together: something is, and nobody knows what."""
    found = of(print=(0, 598), unknown=(50, 100))
    assert [(m.name, m.reason) for m in found.because] == [("unknown", Reason.NOT_TOLD_APART)]
    small = of(a=(4, 20), b=(4, 20), c=(4, 20))
    assert (small.status, small.worst) == (Status.INSUFFICIENT, None)
    assert [(m.name, m.k, m.n, m.reason) for m in small.because][-1] == (TOGETHER, 12, 60, Reason.NOT_TOLD_APART)
    assert of(a=(0, 20), b=(0, 20)).because == of(a=(0, 20), b=(0, 20)).members
    breach = of(print=(100, 5000), a=(4, 20), b=(4, 20))
    assert [m.name for m in breach.because] == ["print"], "a proven breach says what it is, and no guess beside it"


def test_the_figure_is_the_worst_members_and_the_status_that_of_all() -> None:
    """1 of 30 masks is the highest rate; the replays are in breach, and are what it says."""
    found = SpeciesFigure.of({"replay": (100, 5000), "mask": (1, 30)}, LIMIT, 30, ())
    assert (found.worst_species, found.k, found.n, found.status) == ("mask", 1, 30, Status.BREACH)
    assert [m.name for m in found.because] == ["replay"]
    assert found.reason is UNSET
    unproven = SegmentFigure.of({"ios": (1, 10_000), "android": (0, 30)}, LIMIT, 30, ())
    assert (unproven.worst_value, unproven.status, unproven.reason) == (
        "ios", Status.INSUFFICIENT, Reason.TOO_FEW_TRIALS,
    )  # fmt: skip
    assert [(m.name, m.needed_without_error) for m in unproven.because] == [("android", 568)]
    straddles = SpeciesFigure.of({"replay": (20, 4000)}, LIMIT, 30, ())
    assert (straddles.status, straddles.reason) == (Status.INSUFFICIENT, Reason.STRADDLES_THE_LIMIT)


def test_without_a_limit_the_worst_member_has_no_status() -> None:
    """And without an eligible one there is no figure."""
    found = SpeciesFigure.of({"replay": (100, 5000), "mask": (1, 30)}, None, 30, ())
    assert (found.worst_species, found.k, found.status, found.because) == ("mask", 1, None, ())
    nothing = SpeciesFigure.of({"mask": (1, 29), "unknown": (5, 500)}, LIMIT, 30, ("unknown",))
    assert (nothing.worst_species, nothing.k, nothing.n, nothing.status) == (None, None, None, Status.INSUFFICIENT)


def test_many_members_are_named_up_to_a_number() -> None:
    """The highest rates first: a page of ten thousand handsets helps nobody."""
    found = SegmentFigure.of({f"m{i}": (i, 500) for i in range(80)}, LIMIT, 30, ())
    assert [len(found.because), found.because[0].name] == [MOST_NAMED, "m79"]
