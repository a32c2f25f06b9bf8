"""Catalogue, targets and page agree: what can be played, what is to come of it, and what is shown."""

from pathlib import Path

import pytest

from tests.scenarios.entries import ENTRIES, Entry, How, large, play
from tests.scenarios.figures import figures, judged
from tests.scenarios.measure import Outcome
from tests.scenarios.page import page_of, write_page
from tests.scenarios.results import keep, load

QUICK = How(quick=True)
PURE = [each for each in ENTRIES if each.level != "journey"]
SOME = ("gulf", "wave", "minutes_10", "labels_30_days")
COMMITTED = sorted(Path("docs/scenarios").glob("*.json"))


def test_each_run_of_a_country_begins_from_a_warm_tenant_of_its_own() -> None:
    """One that climbed by chance beforehand would be one sample, however many runs begin from it."""
    (biased,) = (each for each in ENTRIES if each.name == "biased")
    assert large(biased, How()).of_one == 1


def test_names_are_their_own() -> None:
    assert len({each.name for each in ENTRIES}) == len(ENTRIES)


@pytest.mark.parametrize("entry", [each for each in PURE if each.name in SOME], ids=lambda each: each.name)
def test_a_scenario_has_the_figures_of_its_targets_and_a_place_on_the_page(entry: Entry, tmp_path: Path) -> None:
    outcomes = [each.outcome for each in play(entry, QUICK, range(large(entry, QUICK).runs), lambda _: None)]
    found = figures(outcomes, planted=entry.planted)
    page = write_page(keep(tmp_path, "2026-11-26", entry.name, {"seed": 7, "quick": True, **found})).read_text()
    assert f"| {entry.name} |" in page


@pytest.mark.parametrize("entry", PURE, ids=lambda each: each.name)
def test_targets_are_of_figures_that_there_are(entry: Entry) -> None:
    """None of them is missed, or met, for want of its figure."""
    outcome = Outcome(365.0, 60.0, 60.0, {}, 1, True, 0.0, 60.0, 1, 0, 0, since_held=True)
    found = figures([outcome], planted=entry.planted)
    assert all(each.value is not None for each in judged(entry.targets, found))
    assert entry.targets


def test_what_is_planted_has_a_target_for_being_told_as_one() -> None:
    assert [each.name for each in ENTRIES if each.planted and "told" not in {one.figure for one in each.targets}] == []


def test_the_newest_page_is_the_one_that_its_results_and_the_catalogue_make() -> None:
    """Whoever changes a target or a name makes the page anew: `python -m tests.scenarios.page`."""
    newest = COMMITTED[-1]
    day = load(newest)
    assert Path(f"docs/scenarios-{day['date']}.md").read_text() == page_of(newest)
    assert day["scenarios"].keys() <= {each.name for each in ENTRIES}
    shown = page_of(newest)
    assert [each.name for each in ENTRIES if each.name not in shown] == []
