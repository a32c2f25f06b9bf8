"""A page opens with what is wrong: the surest first, then whom it harms most; and it says what nobody can know yet."""

from pathlib import Path

from proofwatch.biometrics.evaluation import Evaluation, evaluate_counts
from proofwatch.biometrics.rates import Limits
from proofwatch.biometrics.trials import ClassCounts, Classes, Cohort, Thresholds
from proofwatch.detection.incident import Incident
from services.standalone.core.watched import Watched
from services.standalone.report.opening import Level, opening_of, openings
from tests.unit.standalone.test_incidents import fired, write
from tests.unit.standalone.told import incidents_in

LIMITS = Limits(fmr=0.001, fnmr=0.03, apcer=0.005, bpcer=0.01)


def classes(failed: int = 0, passed: int = 1000, attacks: tuple[int, int] = (0, 0)) -> Classes:
    """Return genuine trials, and attacks that passed and failed."""
    found = {"genuine": ClassCounts(passed, failed, 0, None)}
    return found | ({"attack:mask": ClassCounts(*attacks, 0, None)} if any(attacks) else {})


def watched(whole: Classes, values: dict[str, Classes] | None = None) -> Watched:
    cohorts: dict[Cohort, Classes] = {None: whole}
    cohorts |= {("os", value): each for value, each in (values or {}).items()}
    evaluation = evaluate_counts(cohorts, Thresholds(0.5, 0.5), limits=LIMITS, segments=["os"])
    return Watched(2000, sum(each.n for each in whole.values()), evaluation)


def incident(folder: Path, tenant: str, **changes: object) -> Incident:
    (found,) = incidents_in(write(folder, [fired(0, "os", "ios", 20, 100)], []))
    return found._replace(tenant=tenant, incident_id=f"{tenant}-{changes}", **changes)  # type: ignore[arg-type]


def test_whom_it_let_in_is_before_what_goes_on_and_that_before_what_ended(tmp_path: Path) -> None:
    """However high a ratio is; a tenant where nothing is wrong is last."""
    found = openings(
        {name: watched(classes()) for name in ("calm", "many", "few", "over")},
        [
            incident(tmp_path, "over", state="ended", rejected=900.0, accepted=0.0),
            incident(tmp_path, "few", state="firing", rejected=3.0, accepted=0.0),
            incident(tmp_path, "many", state="firing", rejected=20.0, accepted=40.0),
            incident(tmp_path, "calm", evidence="weak", rejected=999.0),
        ],
        LIMITS,
    )
    assert [(each.tenant, each.level) for each in found] == [
        ("many", Level.WRONG), ("few", Level.WRONG), ("over", Level.WAS_WRONG), ("calm", Level.NOTHING),
    ]  # fmt: skip
    assert [len(each.weak) for each in found] == [0, 0, 0, 1]
    (problem,) = found[0].problems
    assert "Too many requests to try again at operating system ios of many since" in problem.title
    assert "20 of 100 = 20 %" in problem.evidence
    assert "About 40 wrongly accepted, as far as the check would have refused them." in problem.people
    assert "About 20 attempts asked to try again" in problem.people
    assert problem.next_step


def test_a_merged_incident_is_told_by_the_one_it_is_part_of(tmp_path: Path) -> None:
    """Not twice."""
    (found,) = openings({}, [incident(tmp_path, "bank", state="merged")], LIMITS)
    assert found.level is Level.NOTHING
    assert not found.problems
    assert not found.weak


def test_a_limit_that_is_proven_broken_is_wrong_without_any_incident() -> None:
    """Counts, interval, limit, and the errors beyond those that the limit allows."""
    (found,) = openings({"bank": watched(classes(failed=100, passed=900))}, [], LIMITS)
    assert found.level is Level.WRONG
    (problem,) = found.problems
    assert problem.title == "The limit is proven broken: genuine people not matched (FNMR)"
    assert "100 / 1,000 = 10" in problem.evidence
    assert "limit 3" in problem.evidence
    assert problem.people == "About 70 of those with a label rejected beyond the limit."


def test_a_broken_limit_that_an_incident_tells_of_is_told_once(tmp_path: Path) -> None:
    """The incident knows since when and whom."""
    tenants = {"bank": watched(classes(failed=100, passed=900))}
    (found,) = openings(tenants, [incident(tmp_path, "bank", metrics=("fnmr", "retry_rate"))], LIMITS)
    assert len(found.problems) == 1
    assert [each.metric for each in found.limits if each.figure and each.figure.status == "BREACH"] == ["fnmr"]


def test_problems_of_a_tenant_are_in_the_order_of_incidents(tmp_path: Path) -> None:
    """Be it an incident or a broken limit: who was let in, what is proven, what goes on, what ended."""
    found = [
        incident(tmp_path, "bank", state="ended", rejected=900.0),
        incident(tmp_path, "bank", state="ended", rejected=0.0, accepted=24.0),
        incident(tmp_path, "bank", state="firing", rejected=5.0, accepted=0.0),
        incident(tmp_path, "bank", state="firing", rejected=80.0, accepted=0.0),
    ]
    (told,) = openings({"bank": watched(classes(failed=100, passed=900))}, found, LIMITS)
    assert [" ".join(each.people.split()[:2]) for each in told.problems] == [
        "About 24", "About 70", "About 80", "About 5", "About 900",
    ]  # fmt: skip
    assert told.people == 900 + 24 + 5 + 80 + 70
    assert told.broken == ["FNMR"]


def test_a_tenant_whose_attackers_got_in_is_before_one_that_keeps_many_out(tmp_path: Path) -> None:
    """Also when it has ended: they have accounts."""
    found = openings(
        {},
        [
            incident(tmp_path, "shut", state="firing", rejected=900.0, accepted=0.0),
            incident(tmp_path, "open", state="ended", rejected=0.0, accepted=24.0),
        ],
        LIMITS,
    )
    assert [each.tenant for each in found] == ["open", "shut"]


def test_a_group_in_breach_is_wrong_though_everybody_together_is_not() -> None:
    """It is named; where everybody is in breach the groups add nothing."""
    groups = {"ios": classes(failed=20, passed=80), "android": classes(failed=2, passed=1898)}
    (found,) = openings({"bank": watched(classes(failed=22, passed=1978), groups)}, [], LIMITS)
    (problem,) = found.problems
    assert problem.title == "The limit is proven broken for groups by os: genuine people not matched (FNMR)"
    assert "ios 20/100" in problem.evidence
    assert "No incident tells of it: these are all labels at 95 %; an incident takes five errors" in problem.evidence
    (worse,) = openings({"bank": watched(classes(failed=400, passed=1600), groups)}, [], LIMITS)
    assert len(worse.problems) == 1


def test_a_tenant_with_nothing_wrong_says_what_was_watched_and_what_nobody_can_know() -> None:
    """No labels and too few trials are different words."""
    (found,) = openings({"bank": watched(classes(passed=1000, attacks=(0, 50)))}, [], LIMITS)
    assert found.level is Level.NOTHING
    assert (found.transactions, found.labelled) == (2000, 1050)
    assert found.within == ["FNMR"]
    assert found.unjudged == [
        "FMR, no labelled impostor",
        "APCER, too few trials: mask 0/50 (too few trials, 548 more without an error)",
        "BPCER, no labelled bona fide person",
    ]


def test_a_tenant_without_any_label_has_no_figure_and_every_limit() -> None:
    """Unlabelled traffic proves nothing about errors."""
    nothing = Watched(10, 0, Evaluation(None, None, {}))
    (found,) = openings({"bank": nothing}, [], LIMITS)
    assert [each.lacking != "" for each in found.limits] == [True] * 4
    assert found.within == []


def test_an_evaluation_opens_alike() -> None:
    """One system, no time, no incidents."""
    bad = watched(classes(failed=100, passed=900)).evaluation
    assert [each.title for each in opening_of(bad, LIMITS, 1000, 1000).problems] == [
        "The limit is proven broken: genuine people not matched (FNMR)"
    ]
    assert opening_of(watched(classes()).evaluation, LIMITS, 1000, 1000).level is Level.NOTHING
