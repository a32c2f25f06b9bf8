"""Every scenario of every level can be played, small, and its figures have what its targets are about."""

from pathlib import Path

import pytest

from tests.scenarios.entries import ENTRIES, Entry, Play, Player
from tests.scenarios.page import write_page
from tests.scenarios.results import keep

PLAYER = Player(Play(7, True, 1.0, 0, Path("nowhere"), lambda _total, _more: None))
PURE = [each for each in ENTRIES if each.level != "journey"]
SOME = ("gulf", "wave", "labels_30_days")


def test_names_are_their_own() -> None:
    assert len({each.name for each in ENTRIES}) == len(ENTRIES)


@pytest.mark.parametrize("entry", [each for each in PURE if each.name in SOME], ids=lambda each: each.name)
def test_a_scenario_has_the_figures_of_its_targets_and_a_place_on_the_page(entry: Entry, tmp_path: Path) -> None:
    found = PLAYER.play(entry)
    assert {each.figure for each in entry.targets} <= found.keys()
    page = write_page(keep(tmp_path, "2026-11-26", entry.name, {"seed": 7, "quick": True, **found})).read_text()
    assert f"| {entry.name} |" in page
