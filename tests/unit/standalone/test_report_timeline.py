"""The report's timeline is what the windows and anomalies of the run say."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from services.standalone.report.timeline import read_alarms, read_cases, read_timeline

START = datetime(2026, 1, 15, 8, tzinfo=UTC)
EXAMPLE: dict[str, Any] = json.loads((Path(__file__).parents[3] / "schemas/examples/anomaly/full.json").read_text())


def at(minutes: float) -> str:
    return (START + timedelta(minutes=minutes)).isoformat()


def lines(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def window(minutes: int = 0, **changes: Any) -> dict[str, Any]:
    row: dict[str, Any] = {
        "kind": "decisions",
        "tenant": "meridian-bank",
        "segment_name": None,
        "segment_value": None,
        "start": at(minutes),
        "length_s": 300,
        "revision": 1,
        "counts": {"transactions": 10, "decision.accept": 7, "decision.retry": 2, "decision.refer": 1,
                   "liveness.pass": 6, "liveness.fail": 3, "liveness.missing": 1},
    }  # fmt: skip
    return row | changes


def anomaly(minutes: int, **changes: Any) -> dict[str, Any]:
    times = {"window_start": at(minutes), "window_end": at(minutes + 5)}
    return EXAMPLE | {"segment_name": None, "segment_value": None, "state": "firing"} | times | changes


def test_rates_count_what_their_names_say(tmp_path: Path) -> None:
    """Rejected is retry and refer of all; liveness failures are of those with a score."""
    found = read_timeline(lines(tmp_path / "w", [window()]))
    assert found.buckets == [(START, 10, 3, 9, 3)]


def test_only_whole_tenants_at_five_minutes_count(tmp_path: Path) -> None:
    """The same transactions come again in segments, in other lengths and in labelled windows."""
    rows = [
        window(),
        window(segment_name="os", segment_value="ios"),
        window(length_s=60),
        window(length_s=86_400),
        window(kind="labelled"),
        window(tenant="harbour-bank"),
    ]
    found = read_timeline(lines(tmp_path / "w", rows))
    assert [bucket.transactions for bucket in found.buckets] == [20], "two tenants, once each"


def test_a_restated_window_replaces_what_it_restates(tmp_path: Path) -> None:
    """The last revision counts, wherever in the file it stands."""
    rows = [window(revision=2, counts={"transactions": 12}), window(revision=1)]
    assert read_timeline(lines(tmp_path / "w", rows)).buckets[0].transactions == 12


@pytest.mark.parametrize(("days", "step_s"), [(1, 300), (2, 600), (30, 3 * 3600), (365, 2 * 86_400)])
def test_long_runs_are_summed_to_at_most_300_points(tmp_path: Path, days: int, step_s: int) -> None:
    """Nothing is lost in summing, and gaps stay gaps."""
    minutes = range(0, days * 1440, 60 if days > 2 else 5)
    found = read_timeline(lines(tmp_path / "w", [window(m) for m in minutes]))
    assert found.step_s == step_s
    assert len(found.buckets) <= 301, "one more where the first bucket is cut by its round start"
    assert sum(bucket.transactions for bucket in found.buckets) == 10 * len(minutes)


def test_an_alarm_lasts_from_its_first_high_window_to_the_one_that_resolves_it(tmp_path: Path) -> None:
    """It is described by the window in which its rate was furthest above the baseline."""
    rows = [
        anomaly(0, severity="low_evidence"),
        anomaly(5, revision=2, ratio=4.0, k=8),
        anomaly(10, revision=3, ratio=9.0, k=18),
        anomaly(15, revision=4, ratio=5.0, k=10),
        anomaly(20, revision=5, state="resolved"),
    ]
    (alarm,) = read_alarms(lines(tmp_path / "a", rows))
    assert (alarm.start, alarm.end) == (START + timedelta(minutes=5), START + timedelta(minutes=20))
    assert (alarm.k, alarm.ratio) == (18, 9.0)


def test_an_alarm_that_never_ended_has_no_end(tmp_path: Path) -> None:
    """It was firing when the run stopped; one that came back after a resolution is firing again."""
    rows = [anomaly(0), anomaly(0, revision=2, state="resolved"), anomaly(0, revision=3)]
    (alarm,) = read_alarms(lines(tmp_path / "a", rows))
    assert alarm.end is None


def test_weak_evidence_is_no_alarm(tmp_path: Path) -> None:
    """Only high severity is marked; the resolution of anything else is ignored."""
    rows = [anomaly(0, severity="low_evidence"), anomaly(5, severity="low_evidence", state="resolved")]
    assert read_alarms(lines(tmp_path / "a", rows)) == []


def test_cases_are_counted_by_what_opened_them(tmp_path: Path) -> None:
    """The first reason names the case; one without reasons goes by its kind."""
    case: dict[str, Any] = {"kind": "subject", "queue": "fraud", "severity": "high", "state": "open"}
    rows = [
        case | {"reasons": [{"code": "velocity"}, {"code": "low_score"}]},
        case | {"reasons": [{"code": "velocity"}]},
        case | {"reasons": []},
    ]
    assert read_cases(lines(tmp_path / "c", rows)) == {
        ("velocity", "fraud", "high", "open"): 2,
        ("subject", "fraud", "high", "open"): 1,
    }
