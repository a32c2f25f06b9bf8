"""What attacks achieve against the whole system, and past the sensor."""

import pytest

from proofwatch.biometrics.attacks import injection_rates, system_rates
from proofwatch.biometrics.evaluation import evaluate_scores
from proofwatch.biometrics.figures import Status
from proofwatch.biometrics.rates import Limits
from proofwatch.biometrics.trials import ClassCounts, Trials


def counted(passed: int, failed: int, missing: int = 0) -> ClassCounts:
    return ClassCounts(passed, failed, missing, None)


def test_riapar_is_iapar_plus_frr() -> None:
    """A system that accepts nobody has the IAPAR 0 and the RIAPAR 1; 5 % of attacks and 2 % of people give 7 %."""
    classes = {"system:attack:mask": counted(5, 95), "system:attack:print": counted(0, 200)}
    found = system_rates(classes, 0.02, limit=0.07)
    assert found is not None
    assert (found.n_attack, found.iapar.worst_species, found.iapar.k, found.iapar.n) == (300, "mask", 5, 100)
    assert found.riapar.value == pytest.approx(0.07)
    assert {name: f.value for name, f in found.riapar_by_species.items()} == {"mask": 0.07, "print": 0.02}
    nobody = system_rates({"system:attack:mask": counted(0, 100)}, 1.0)
    assert nobody is not None
    assert nobody.riapar.value == 1.0


def test_without_an_frr_there_is_no_riapar() -> None:
    """IAPAR stands; without an attack that the whole system judged there is neither."""
    found = system_rates({"system:attack:mask": counted(5, 95)}, None)
    assert found is not None
    assert (found.iapar.value, found.riapar.value) == (0.05, None)
    assert system_rates({"attack:mask": counted(5, 95)}, 0.02) is None


def test_the_status_of_iapar_is_made_by_all_species() -> None:
    """As that of APCER: a large species in breach does not hide behind a small one."""
    found = system_rates({"system:attack:a": counted(4, 26), "system:attack:b": counted(100, 900)}, None, limit=0.07)
    assert found is not None
    assert (found.iapar.worst_species, found.iapar.status) == ("a", Status.BREACH)
    assert [each.name for each in found.iapar.because] == ["b"]


def test_injection_attacks_have_rates_of_their_own() -> None:
    """Passed of those with a score, without a score of all, accepted of those that both checks judged."""
    classes = {"injection:api": counted(3, 5, 2), "injection:b": counted(1, 1), "system:injection:api": counted(2, 8)}
    found = injection_rates(classes)
    assert found is not None
    assert found.n_injection == 10
    named = (found.pass_rate, found.non_response_rate, found.accept_rate, found.pass_rate_by_method["api"])
    assert [(f.k, f.n, f.status) for f in named] == [(4, 10, None), (2, 12, None), (2, 10, None), (3, 8, None)]
    assert injection_rates({"attack:mask": counted(1, 1)}) is None


def test_accepted_injections_are_judged_like_every_other_rate_that_must_be_small() -> None:
    """All of them together are shown; every method makes the status, by the limit that is stated beside it."""
    classes = {
        "injection:api": counted(40, 1960),
        "system:injection:api": counted(40, 1960),
        "injection:camera": counted(1, 29),
        "system:injection:camera": counted(1, 29),
    }
    found = injection_rates(classes, limit=0.005)
    assert found is not None
    accepted = found.accept_rate
    assert (accepted.k, accepted.n, accepted.status, found.accept_limit) == (41, 2030, Status.BREACH, 0.005)
    assert accepted.low is not None
    assert accepted.high is not None
    assert accepted.low < 41 / 2030 < accepted.high
    assert [each.name for each in accepted.because] == ["api"]
    assert found.accept_rate_by_method["camera"].status is Status.INSUFFICIENT
    kept = injection_rates({"injection:api": counted(0, 2000), "system:injection:api": counted(0, 2000)}, limit=0.005)
    assert kept is not None
    assert (kept.accept_rate.status, kept.pass_rate.status) == (Status.PASS, None)


def test_injections_that_nobody_promises_anything_of_have_no_status() -> None:
    """No limit, no status; and none that both checks judged is too few trials, not a rate of zero."""
    without = injection_rates({"injection:api": counted(3, 5), "system:injection:api": counted(2, 6)})
    assert without is not None
    assert (without.accept_rate.status, without.accept_limit, without.accept_rate.because) == (None, None, ())
    alone = injection_rates({"injection:api": counted(3, 5)}, limit=0.005)
    assert alone is not None
    assert (alone.accept_rate.value, alone.accept_rate.status) == (None, Status.INSUFFICIENT)


def test_injections_are_held_to_what_is_promised_of_presented_attacks() -> None:
    """IAPAR, else APCER, as the finding of a wave is; of the values of a segment as well."""
    assert Limits(apcer=0.005, iapar=0.07).injection_accept_rate == 0.07
    assert Limits(apcer=0.005).injection_accept_rate == 0.005
    assert Limits(fmr=0.001).injection_accept_rate is None
    trials, both = Trials(), (None, ("sdk_version", "3.9.8"))
    for passed in [True] * 30 + [False] * 30:
        trials.add("injection:api", 0.9 if passed else 0.1, both)
        trials.add_attack("injection:api", 0.9, 0.9 if passed else 0.1, both)
    found = evaluate_scores(trials, 0.5, 0.5, limits=Limits(apcer=0.005), segments=["sdk_version"])
    assert found.injection is not None
    assert (found.injection.accept_rate.status, found.injection.accept_limit) == (Status.BREACH, 0.005)
    worst = found.worst_segments["sdk_version"]["injection_accept_rate"]
    assert (worst.status, [each.name for each in worst.because]) == (Status.BREACH, ["3.9.8: api"])


def test_an_evaluation_keeps_injections_out_of_every_figure_of_presentation_attacks() -> None:
    """APCER, its curves, APNRR, IAPAR: the same with and without them."""
    trials, alone = Trials(), Trials()
    for each in (trials, alone):
        for score in (0.2, 0.7, 0.9):
            each.add("bona_fide", score)
            each.add("attack:mask", score - 0.1)
            each.add_attack("attack:mask", 0.9, score - 0.1)
        each.add("genuine", 0.9)
    for injected in (1.0, 1.0, None):
        trials.add("injection:api", injected)
        trials.add_attack("injection:api", 0.9, injected)
    limits = Limits(apcer=0.005)
    found, without = (evaluate_scores(each, 0.5, 0.5, limits=limits, min_trials=1) for each in (trials, alone))
    assert (found.match, found.liveness, found.system) == (without.match, without.liveness, without.system)
    assert found.injection is not None
    assert (found.injection.pass_rate.k, found.injection.pass_rate.n) == (2, 2)
    assert (found.injection.accept_rate.k, found.injection.accept_rate.n) == (2, 3)


def test_the_whole_system_accepts_where_both_checks_do() -> None:
    """At the thresholds; an attack without one of the scores is judged, and rejected."""
    trials = Trials()
    for match, liveness in ((0.5, 0.5), (0.5, 0.4), (0.4, 0.5), (None, 0.9), (0.9, None)):
        trials.add("attack:mask", liveness)
        trials.add_attack("attack:mask", match, liveness)
    found = evaluate_scores(trials, 0.5, 0.5, min_trials=1)
    assert found.system is not None
    assert (found.system.iapar.k, found.system.iapar.n) == (1, 5)
