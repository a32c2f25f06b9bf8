"""The drawing of a run over time has its incidents and its changes of version where they were."""

from datetime import timedelta
from pathlib import Path

from proofwatch.instants import ms_of
from services.standalone.report.timeline import Marker, read_markers, read_timeline
from services.standalone.report.timeline_plot import MOST_LANES, fewest, timeline
from tests.support.html import parsed, text_of
from tests.unit.standalone.test_incidents import fired, write
from tests.unit.standalone.test_report_timeline import START, lines, window
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
    assert "pad_version 2.1" in words
    assert "20 incidents, 1 changes of version" in text_of(svg.find(".//svg/title"))


def test_a_rate_of_two_attempts_is_no_peak() -> None:
    """At night one failure of two hides what the days show; where all is that little a tenth of the most counts."""
    assert fewest([300, 280, 2, 310]) == 20
    assert fewest([8, 9, 1, 7]) == 1
    assert fewest([100, 3, 4, 5]) == 10
    assert fewest([]) == 1


def test_changes_of_version_are_read_in_the_order_of_their_time(tmp_path: Path) -> None:
    """Which tenant's, from which version to which; a first one came from none. Without the file there are none."""
    assert read_markers(tmp_path / "markers.jsonl") == []
    ms = ms_of(START)
    rows = [
        {
            "tenant": "bank",
            "marker": {"name": "sdk_version", "version": "5.2", "previous": "5.1", "since_ms": ms, "n": 9},
        },
        {"tenant": "bank", "marker": {"name": "pad_version", "version": "2", "previous": None, "since_ms": ms - 5}},
    ]
    assert [(each.tenant, each.what) for each in read_markers(lines(tmp_path / "markers.jsonl", rows))] == [
        ("bank", "pad_version none → 2"), ("bank", "sdk_version 5.1 → 5.2"),
    ]  # fmt: skip
