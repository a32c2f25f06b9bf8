"""The drawing of a run over time has its incidents and its changes of version where they were."""

from datetime import timedelta
from pathlib import Path

from services.standalone.report.timeline import Marker, read_markers, read_timeline
from services.standalone.report.timeline_plot import MOST_LANES, timeline
from tests.support.html import parsed, text_of
from tests.unit.standalone.test_incidents import fired, write
from tests.unit.standalone.test_report_timeline import START, anomaly, lines, window
from tests.unit.standalone.told import incidents_in


def test_incidents_and_changes_are_drawn_where_they_were(tmp_path: Path) -> None:
    """A lane for each incident, with the tenant and the slice; a line with a name for each change."""
    (found,) = incidents_in(write(tmp_path, [fired(5, "os", "ios", 20, 100)], []))
    traffic = read_timeline(lines(tmp_path / "w", [window(minutes) for minutes in range(0, 60, 5)]))
    marker = Marker(START + timedelta(minutes=20), "bank", "pad_version 2.1")
    svg = parsed(f"<!DOCTYPE html><title>x</title>{timeline(traffic, [], [found] * 20, [marker])}")
    words = [text_of(each) for each in svg.iter("text")]
    assert f"1. {found.tenant}: ios" in words
    assert sum(each.endswith(": ios") for each in words) == MOST_LANES
    assert "bank: pad_version 2.1" in words
    assert "20 incidents, 1 changes of version" in text_of(svg.find(".//svg/title"))


def test_a_run_without_changes_of_version_has_no_marker(tmp_path: Path) -> None:
    """Nothing is invented."""
    assert read_markers(lines(tmp_path / "a", [anomaly(0)])) == []
