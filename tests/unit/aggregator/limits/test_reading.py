"""How 28 days compare with a limit: bounds, design effect, species, and the first day of the excess."""

import pytest

from proofwatch.biometrics.intervals import clopper_pearson_lower
from services.aggregator.core.limits.reading import DAYS, RETRIES, Promise, lower_bound, p_value, read, window

FMR = Promise("fmr", 0.001)


def test_the_bound_is_clopper_pearson_for_whole_counts() -> None:
    """And lies between those of the neighbours for fractions."""
    for k, n in ((1, 30), (7, 700), (30, 30), (0, 10)):
        assert lower_bound(k, n, 0.99) == pytest.approx(clopper_pearson_lower(k, n, 0.99))
    assert lower_bound(6, 700, 0.99) < lower_bound(6.5, 700, 0.99) < lower_bound(7, 700, 0.99)
    assert p_value(5, 10, 0.5) == pytest.approx(638 / 1024)
    with pytest.raises(ValueError, match="errors"):
        lower_bound(3, 2, 0.99)


def test_a_window_is_28_days_and_not_one_more() -> None:
    """Both ends included."""
    days = dict.fromkeys(range(40), (1, 10))
    assert window(days, 30) == (28, 280)
    assert window({0: (1, 10)}, DAYS - 1) == (1, 10)
    assert window({0: (1, 10)}, DAYS) == (0, 0)


def test_what_is_taken_back_of_trials_that_were_never_counted_leaves_nothing_odd() -> None:
    """A database that was upgraded has labels of before: errors stay within trials."""
    assert window({0: (9, -3)}, 0) == (0, 0)
    assert window({0: (9, 4)}, 0) == (4, 4)
    assert window({0: (-2, 4)}, 0) == (0, 4)


def test_a_limit_is_broken_at_99_percent_with_five_errors() -> None:
    """The edge of each: the bound at the limit, and the fifth error."""
    found = read({"": {0: (5, 1_000)}}, 0, FMR)
    assert found is not None
    assert found.observation == "high"
    assert found.bound == pytest.approx(clopper_pearson_lower(5, 1_000, 0.99))
    at_95 = read({"": {0: (5, 1_900)}}, 0, FMR)
    assert clopper_pearson_lower(5, 1_900, 0.95) > 0.001
    assert at_95 is not None
    assert at_95.observation == "weak"
    four = read({"": {0: (4, 100)}}, 0, FMR)
    assert four is not None
    assert four.observation == "weak"


def test_five_errors_prove_it_among_however_few_trials() -> None:
    """A least number of trials is for what shows a limit kept; of false rejections five people are meant."""
    accepted = Promise("injection_accept_rate", 0.005)
    found = read({"deepfake": {0: (17, 24)}, "unknown": {0: (0, 2)}}, 0, accepted)
    assert found is not None
    assert (found.observation, found.k, found.n, found.species) == ("high", 17, 24, ("deepfake",))
    for members, said in (
        ({"deepfake": {0: (5, 5)}}, "high"),
        ({"unknown": {0: (5, 6)}}, "high"),
        ({"a": {0: (3, 3)}, "b": {0: (3, 3)}}, "high"),
        ({"deepfake": {0: (4, 4)}}, "weak"),
    ):
        assert (reading := read(members, 0, accepted)) is not None
        assert reading.observation == said, members
    one_person, several = (read({"": {0: (k, 20)}}, 0, Promise("bpcer", 0.01)) for k in (8, 9))
    assert [each.observation for each in (one_person, several) if each] == ["weak", "high"]
    loose = read({"a": {0: (5, 20)}}, 0, Promise("iapar", 0.5))
    assert loose is not None
    assert loose.observation == "weak", "few trials never end a finding"


@pytest.mark.parametrize("limit", [0.001, 0.005, 0.07])
def test_few_trials_accuse_a_system_at_its_limit_no_more_often_than_many(limit: float) -> None:
    """Exact by binomial: the probability that n trials at the limit are high is at most one in a hundred."""
    worst = 0.0
    for n in range(1, 30):
        proving = [k for k in range(n + 1) if (each := read({"a": {0: (k, n)}}, 0, Promise("iapar", limit)))
                   and each.observation == "high"]  # fmt: skip
        worst = max(worst, p_value(min(proving), n, limit) if proving else 0.0)
    assert worst <= {0.001: 1.2e-10, 0.005: 3.4e-7, 0.07: 0.01}[limit]


def test_rejections_are_judged_by_their_design_effect() -> None:
    """Runs of retries tell less than single failures: 1.78 times as many are asked for."""
    days = {"": {0: (26, 1_500)}}
    plain, clustered = read(days, 0, Promise("fmr", 0.01)), read(days, 0, Promise("bpcer", 0.01))
    assert plain is not None
    assert clustered is not None
    assert (plain.observation, clustered.observation) == ("high", "weak")
    assert lower_bound(26 / RETRIES, 1_500 / RETRIES, 0.99) < 0.01


def test_species_are_corrected_for_their_number() -> None:
    """What proves it of one species alone does not, of one among twenty."""
    one = {"mask": {0: (6, 300)}}
    many = one | {f"s{n}": {0: (0, 300)} for n in range(19)}
    alone, among = read(one, 0, Promise("apcer", 0.005)), read(many, 0, Promise("apcer", 0.005))
    assert alone is not None
    assert among is not None
    assert (alone.observation, among.observation) == ("high", "weak")


def test_it_is_within_only_when_every_species_is_and_enough_is_seen() -> None:
    """A handful of good trials ends nothing; one bad species is enough to hold."""
    limit = Promise("apcer", 0.005)
    few = read({"mask": {0: (0, 29)}}, 0, limit)
    good = read({"mask": {0: (0, 30)}}, 0, limit)
    mixed = read({"mask": {0: (0, 5_000)}, "print": {0: (1, 100)}}, 0, limit)
    assert [each.observation for each in (few, good, mixed) if each] == ["weak", "within", "weak"]
    assert read({"mask": {0: (0, 0)}}, 0, limit) is None
