"""Labelled cells put together: counts, sketches, the trials without a segment value, and the figures of a day."""

import pytest

from proofwatch.biometrics.edges import edge_set
from proofwatch.biometrics.sketch import Sketch
from proofwatch.biometrics.trials import ClassCounts
from proofwatch.events.codec import WINDOW
from proofwatch.events.types import Figure
from proofwatch.governance.policy import load_policy
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
            "attack:rare": counted(5, 5),
            "attack:unknown": counted(50, 0),
        }
    )
    assert (found["apcer"].k, found["apcer"].n) == (4, 40)
    assert (found["apcer:rare"].k, found["apcer:rare"].n) == (5, 10)
    assert found["apcer:print"].status == "PASS"
    assert found["apcer:unknown"].status == "BREACH"


@pytest.mark.parametrize(("passed", "failed", "status"), [(0, 5000, "INSUFFICIENT"), (40, 60, "BREACH")])
def test_without_such_a_species_the_pooled_apcer_proves_a_breach_but_never_a_pass(
    passed: int, failed: int, status: str
) -> None:
    """If all attacks together break the limit some species does; that they keep it together says nothing of each."""
    figure = by_metric({"attack:unknown": counted(passed, failed)})["apcer"]
    assert (figure.k, figure.n, figure.status) == (passed, passed + failed, status)


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
        window_event(Labelled(key, revision, False, classes, (0, 20), {A: 14}), POLICY) for revision in (1, 2)
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
