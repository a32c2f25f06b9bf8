"""Labelled cells put together: counts, sketches, the trials without a segment value, and the figures of a day."""

import pytest

from proofwatch.biometrics.edges import edge_set
from proofwatch.biometrics.sketch import Sketch
from proofwatch.biometrics.trials import ClassCounts
from proofwatch.events.codec import WINDOW
from proofwatch.events.types import Figure
from proofwatch.governance.policy import load_policy
from proofwatch.governance.tenant_days import UTC_DAYS
from services.aggregator.core.labelled import Cell, WindowKey
from services.aggregator.core.labelled_counts import class_counts, transactions_by_policy, with_unlabelled
from services.aggregator.core.labelled_figures import figures, species_metric
from services.aggregator.core.labelled_windows import Labelled, window_event

POLICY = load_policy()
GRID = edge_set()
A, B = "a" * 32, "b" * 32


def counted(passed: int, failed: int, missing: int = 0) -> ClassCounts:
    return ClassCounts(passed, failed, missing, Sketch(GRID, {700: passed, 1: failed}))


def by_metric(classes: dict[str, ClassCounts], requested: tuple[int, int] = (1000, 1000)) -> dict[str, Figure]:
    return {figure.metric: figure for figure in figures(classes, requested, POLICY)}


def test_cells_of_all_policies_and_bins_add_up_to_classes() -> None:
    """Outcomes and sketch of a class are the sums of its cells; sketches on different edges meet on the common ones."""
    other = edge_set([0.3])
    cells = [
        (Cell(A, "genuine", "passed", GRID.edge_set_id, 700), 2),
        (Cell(B, "genuine", "failed", other.edge_set_id, other.bin_of(0.299)), 1),
        (Cell(B, "genuine", "missing", "", 0), 4),
        (Cell(A, "transactions", "", "", 0), 2),
        (Cell(B, "transactions", "", "", 0), 5),
        (Cell(B, "impostor", "passed", GRID.edge_set_id, 3), 0),
    ]
    classes = class_counts(cells, {edges.edge_set_id: edges for edges in (GRID, other)})
    sketch = Sketch(GRID, {700: 2, GRID.bin_of(0.299): 1})
    assert classes == {"genuine": ClassCounts(2, 1, 4, sketch)}
    assert transactions_by_policy(cells) == {A: 2, B: 5}


def test_what_the_whole_system_made_of_attacks_has_counts_and_no_scores() -> None:
    """By decision, over all policies; and as many without a segment value as there are in all but not in the values."""
    counts = ((A, "passed", 2), (B, "passed", 1), (B, "failed", 4))
    cells = [(Cell(policy, "system:attack:mask", outcome, "", 0), n) for policy, outcome, n in counts]
    classes = class_counts(cells, {})
    assert classes == {"system:attack:mask": ClassCounts(3, 4, 0, None)}
    part = {"system:attack:mask": ClassCounts(1, 4, 0, None)}
    blank = {"system:attack:mask": ClassCounts(1, 0, 0, None)}
    completed = with_unlabelled({None: classes, ("os", "ios"): part, ("os", "unlabelled"): blank})
    assert completed["os", "unlabelled"] == {"system:attack:mask": ClassCounts(2, 0, 0, None)}


def test_a_label_that_an_older_release_counted_cannot_make_a_rate_negative() -> None:
    """It counted no outcome of the whole system that this release could take back."""
    assert class_counts([(Cell(A, "system:attack:mask", "passed", "", 0), -1)], {}) == {
        "system:attack:mask": ClassCounts(0, 0, 0, None)
    }


def test_trials_without_a_segment_value_are_the_whole_minus_the_values() -> None:
    """Exact in counts and sketches; a value that upstream itself calls `unlabelled` is counted with them."""
    cohorts = {
        None: {"genuine": counted(10, 4, 3)},
        ("sex", "female"): {"genuine": counted(3, 1, 1)},
        ("sex", "unlabelled"): {"genuine": counted(1, 1)},
    }
    completed = with_unlabelled(cohorts)
    assert completed["sex", "unlabelled"] == {"genuine": counted(7, 3, 2)}
    assert completed["sex", "female"] == cohorts["sex", "female"]


def test_a_segment_that_every_trial_has_gets_no_unlabelled_value() -> None:
    """Nothing is left over: no empty cohort."""
    cohorts = {None: {"genuine": counted(3, 1)}, ("sex", "female"): {"genuine": counted(3, 1)}}
    assert with_unlabelled(cohorts) == cohorts


def test_a_named_segment_that_no_trial_has_is_unlabelled_altogether() -> None:
    """A column of blank cells is one value, as in a table."""
    whole = {"genuine": counted(3, 1)}
    assert with_unlabelled({None: whole}, ["sex"])["sex", "unlabelled"] == whole


def test_the_headline_apcer_is_the_worst_species_with_enough_trials() -> None:
    """A small or unnamed species is listed, never the headline."""
    found = by_metric(
        {
            "attack:print": counted(0, 700),
            "attack:mask": counted(4, 36),
            "attack:rare": counted(4, 6),
            "attack:unknown": counted(50, 0),
        }
    )
    assert (found["apcer"].k, found["apcer"].n) == (4, 40)
    assert (found["apcer:rare"].k, found["apcer:rare"].n) == (4, 10)
    assert found["apcer:print"].status == "PASS"
    assert found["apcer:unknown"].status == "BREACH"


@pytest.mark.parametrize(("passed", "failed", "reason"), [(0, 5000, "too_few_trials"), (40, 60, "not_told_apart")])
def test_without_such_a_species_the_pooled_apcer_is_shown_and_nothing_is_proven_of_a_species(
    passed: int, failed: int, reason: str
) -> None:
    """If all attacks together break the limit some species does, which is said; which one, nobody knows."""
    figure = by_metric({"attack:unknown": counted(passed, failed)})["apcer"]
    assert (figure.k, figure.n, figure.species) == (passed, passed + failed, None)
    assert (figure.status, figure.reason) == ("INSUFFICIENT", reason)


def test_small_species_above_the_limit_together_are_named_together() -> None:
    """Three of twenty trials each, four of which passed: none may lead, and yet something is wrong."""
    figure = by_metric({f"attack:{name}": counted(4, 16) for name in ("a", "b", "c")})["apcer"]
    assert (figure.k, figure.n, figure.status) == (12, 60, "INSUFFICIENT")
    together = (figure.because or ())[-1]
    assert (together.name, together.k, together.n, together.reason) == (None, 12, 60, "not_told_apart")


def test_a_breach_does_not_hide_behind_a_small_species() -> None:
    """The figure is the worst species', the status that of all: replay is in breach, whatever 1 of 30 masks is."""
    figure = by_metric({"attack:replay": counted(100, 4900), "attack:mask": counted(1, 29)})["apcer"]
    assert (figure.species, figure.k, figure.n, figure.status) == ("mask", 1, 30, "BREACH")
    assert [(each.name, each.k, each.n, each.status) for each in figure.because or ()] == [
        ("replay", 100, 5000, "BREACH")
    ]
    proven = by_metric({"attack:replay": counted(1, 9999), "attack:mask": counted(0, 30)})["apcer"]
    assert (proven.status, proven.reason) == ("INSUFFICIENT", "too_few_trials")
    assert [(each.name, each.needed_without_error) for each in proven.because or ()] == [("mask", 568)]


def test_the_whole_system_and_injections_have_figures_of_their_own() -> None:
    """IAPAR by decision, RIAPAR with FRR beside it; an injection attack is in no APCER, APNRR or IAPAR."""
    found = by_metric(
        {
            "genuine": counted(90, 10),
            "attack:mask": counted(30, 10, 5),
            "system:attack:mask": ClassCounts(9, 36, 0, None),
            "injection:api": counted(7, 1, 2),
            "system:injection:api": ClassCounts(3, 5, 0, None),
        }
    )
    assert {name: (f.k, f.n, f.species) for name, f in found.items() if "iap" in name or "injection" in name} == {
        "iapar": (9, 45, "mask"),
        "iapar:mask": (9, 45, "mask"),
        "riapar": (None, None, None),
        "injection_pass_rate": (7, 8, None),
        "injection_pass_rate:api": (7, 8, "api"),
        "injection_non_response_rate": (2, 10, None),
        "injection_accept_rate": (3, 8, None),
        "injection_accept_rate:api": (3, 8, "api"),
    }
    accepted = found["injection_accept_rate"]
    assert (accepted.limit, accepted.status, accepted.reason) == (0.005, "INSUFFICIENT", "too_few_trials")
    assert [(each.name, each.k, each.n) for each in accepted.because or ()] == [("api", 3, 8)]
    assert found["injection_pass_rate"].limit is None
    assert found["riapar"].value == pytest.approx(0.2 + 0.1)
    assert (found["apcer"].n, found["apnrr"].k, found["apnrr"].n) == (40, 5, 45)
    assert found["apcer"].coverage == 55 / 1000


def test_missing_scores_have_rates_of_their_own() -> None:
    """FTA, APNRR and BPNRR take what brought no score; error rates have completed trials as denominators."""
    found = by_metric(
        {
            "genuine": counted(8, 2, 5),
            "impostor": counted(1, 9),
            "bona_fide": counted(19, 1, 2),
            "attack:mask": counted(0, 30, 6),
        },
        (50, 100),
    )
    assert {metric: (figure.k, figure.n) for metric, figure in found.items()} == {
        "fmr": (1, 10),
        "fnmr": (2, 10),
        "fta": (5, 25),
        "apcer": (0, 30),
        "apcer:mask": (0, 30),
        "bpcer": (1, 20),
        "apnrr": (6, 36),
        "bpnrr": (2, 22),
    }
    assert found["fmr"].coverage == 0.5
    assert found["bpcer"].coverage == 0.58


def test_a_long_species_name_still_fits_the_schema_and_stays_apart() -> None:
    """Metric names have at most 64 characters; two long species that begin alike get different ones."""
    one, other = species_metric("apcer", "m" * 63 + "1"), species_metric("apcer", "m" * 63 + "2")
    assert one != other
    assert max(len(one), len(other)) <= 64
    assert species_metric("apcer", "mask") == "apcer:mask"


def test_a_labelled_window_is_a_valid_event_with_a_stable_id() -> None:
    """What is published can be read back, and a restatement has the id of what it restates."""
    key = WindowKey(20_000, "bank", "sex", "female")
    classes = {"bona_fide": counted(9, 1), "attack:" + "m" * 64: counted(0, 3, 1)}
    first, second = (
        window_event(Labelled(key, revision, False, classes, (0, 20), {A: 14}), POLICY, UTC_DAYS) for revision in (1, 2)
    )
    assert WINDOW.decode(WINDOW.encode(first)) == first
    assert first.window_id == second.window_id
    assert first.counts == {
        "bona_fide.passed": 9,
        "bona_fide.failed": 1,
        f"attack:{'m' * 64}.failed": 3,
        f"attack:{'m' * 64}.missing": 1,
    }
    assert (first.start.isoformat(), first.segment_value) == ("2024-10-04T00:00:00+00:00", "female")
