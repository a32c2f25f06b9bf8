"""The dated page of the benchmarks."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.benchmarks import results
from tests.benchmarks.page import write_page

TENANTS: dict[str, Any] = {
    "few": 10,
    "many": 10_000,
    "rounds": 3,
    "stage": {"10": [9.0, 8.9, 9.1], "10000": [10.0, 9.9, 10.4]},
    "kafka": {"10": [14.0, 13.9, 14.1], "10000": [19.0, 18.0, 20.0]},
    "ratios": {"stage": [1.11, 1.1, 1.15], "kafka": [1.36, 1.29, 1.42]},
    "target": {"at_most": 1.2, "met": False},
}
MEMORY: dict[str, Any] = {
    "events": 1_000,
    "warm_up_events": 100,
    "rate_asked": 10,
    "rate": 9,
    "horizon_minutes": 1,
    "samples": [[0.0, -100, 150.0], [10.0, 0, 200.0], [110.0, 1_000, 202.0]],
    "begin_mib": 200.0,
    "end_mib": 202.0,
    "growth": 0.01,
    "target": {"growth_below": 0.02, "from": 0.2, "met": True},
}

AUDIT: dict[str, Any] = {
    "seconds": 60,
    "warm_up_seconds": 10,
    "cores": 2,
    "rates": [
        {
            "rate": rate,
            "appends_per_second": entered,
            "entries": 1,
            "missing": 0,
            "checkpoints": 9,
            "p50_ms": 180.0,
            "p99_ms": 1_204.0,
            "max_ms": 1_300.0,
            "writer_late_p99_ms": 1.5,
            "cost_us": {"auditor": 80, "postgresql": 260, "writer": 150},
            "others_s": 12.0,
        }
        for rate, entered in ((2_000, 1_999), (0, 3_456))
    ],
    "target": {"rate": 2_000, "p99_ms": 1_000.0, "met": False},
}


@pytest.fixture
def home(tmp_path: Path) -> Path:
    for name, result in (("tenants", TENANTS), ("memory", MEMORY)):
        results.keep(tmp_path, "2026-11-21", "4.1", name, result, quick=False)
    return tmp_path


def test_a_run_of_one_benchmark_keeps_the_others_of_the_day(home: Path) -> None:
    """Sections are replaced one by one."""
    file = results.keep(home, "2026-11-21", "4.1", "memory", {**MEMORY, "growth": 0.5}, quick=False)
    kept = json.loads(file.read_text())["benchmarks"]
    assert kept == {"tenants": TENANTS, "memory": {**MEMORY, "growth": 0.5}}


def test_the_page_says_for_each_target_whether_it_was_met(home: Path) -> None:
    """Each row by its own figure: the stage alone meets what the process does not."""
    page = write_page(home / "benchmarks" / "2026-11-21.json").read_text()
    assert "| the stage alone, core path | 9.00 | 10.00 | 1.11 (1.10–1.15) | ≤ 1.2 | met |" in page
    assert "| the process on Kafka, everything on | 14.00 | 19.00 | 1.36 (1.29–1.42) | ≤ 1.2 | not met |" in page
    assert "| 1,000 events at 9/s | < 2% | +1.0% (200 → 202 MiB) | met |" in page
    assert "![Memory](benchmarks/2026-11-21-memory.svg)" in page


def test_page_and_drawings_depend_on_the_results_alone(home: Path) -> None:
    """Rendered twice, the same bytes."""
    file = home / "benchmarks" / "2026-11-21.json"
    first = [path.read_bytes() for path in (write_page(file), file.with_name("2026-11-21-memory.svg"))]
    again = [path.read_bytes() for path in (write_page(file), file.with_name("2026-11-21-memory.svg"))]
    assert first == again


def test_counting_says_of_each_part_whether_its_target_was_met(home: Path) -> None:
    """What has no target has no word for it."""
    part = {"name": "combine", "rate": [60_000, 55_000, 61_000], "cost_us": [12.3, 12.0, 13.0]}
    result = {
        "rounds": 3,
        "parts": [
            {**part, "label": "combine", "least": 50_000, "met": True},
            {**part, "label": "ledger", "least": 70_000, "met": False},
            {**part, "label": "labels", "least": None, "met": None},
        ],
        "beside": {
            "rows": [
                {"name": "combine", "label": "combine", "how": "counts", "events": 9, "rate": [50_000, 1, 2],
                 "cost_us": [9.0, 8.0, 10.0]},
                {"name": "quix", "label": "Quix", "how": "counts", "events": 3, "failure": "one\ncounted 8, not 9"},
            ],
            "ratios": [
                {"name": "combine", "against": "quix", "least": 5.0, "ratio": None, "met": False},
                {"name": "combine", "against": "combine", "least": None, "ratio": [1.0, 1.0, 1.0], "met": None},
            ],
        },
        "month": {"tenants": 100, "days": 30, "windows": 864_000, "read": 14_400, "seconds": [1.5, 1.4, 1.6],
                  "at_most": 2.0, "met": True},
    }  # fmt: skip
    file = results.keep(home, "2026-11-21", "4.1", "counting", result, quick=False)
    page = write_page(file).read_text()
    assert "| combine | 60,000 | 55,000–61,000 | 12.3 | ≥ 50,000/s | met |" in page
    assert "| ledger | 60,000 | 55,000–61,000 | 12.3 | ≥ 70,000/s | not met |" in page
    assert "| labels | 60,000 | 55,000–61,000 | 12.3 |  |  |" in page
    assert "| combine | counts | 9 | 50,000 | 1–2 | 9.0 |" in page
    assert "| Quix | counts | 3 | failed |  |  |" in page
    assert "Quix failed: `counted 8, not 9`" in page
    assert "| combine against Quix | ≥ 5 × | not measured | not met |" in page
    assert "864,000 windows of five minutes | ≤ 2 s | 1.50 s (1.40–1.60), 14,400 windows read | met |" in page


def test_the_audit_log_is_told_with_its_lag_and_who_paid_for_it(tmp_path: Path) -> None:
    """And a rate that nobody asked for is told in words."""
    page = write_page(results.keep(tmp_path, "2026-11-26", "4.1", "audit", AUDIT, quick=False)).read_text()
    assert "| 2,000 | 1,999 | 180 | 1,204 | 1,300 | 1.5 | 0 | 80 | 260 | 150 | 12 |" in page
    assert "| as many as go | 3,456 |" in page
    assert "| at 2,000 acts/s | all entered, lag p99 ≤ 1,000 ms | 1,999/s, 1,204 ms | not met |" in page


def test_the_intake_is_told_with_clusters_beside_without(tmp_path: Path) -> None:
    """And how many cases were parts, so that it is seen that clusters were made."""
    result = {
        "suspicions": 15_000,
        "rounds": 3,
        "parts": 6_000,
        "a_minute": {"without": 40_000, "with": 20_000},
        "all": {"without": [40_000], "with": [20_000]},
        "target": {"a_minute": 5_000, "met": True},
    }
    page = write_page(results.keep(tmp_path, "2026-11-26", "4.1", "intake", result, quick=False)).read_text()
    assert "| 15,000 | 40,000 | 20,000 | 0.50 | 6,000 |" in page
    assert "| suspicions a minute | ≥ 5,000 | 20,000 | met |" in page


def test_a_view_is_told_with_its_target(tmp_path: Path) -> None:
    """Met or not, by the 95 of a hundred that are quickest."""
    result = {
        "views": 400,
        "picture_bytes": 1,
        "cores": 2,
        "p50_ms": 210.4,
        "p95_ms": 390.0,
        "p99_ms": 480.0,
        "max_ms": 512.0,
        "cost_ms": {"imagery": 80.0, "auditor": 9.0, "postgresql": 12.0},
        "others_s": 3.0,
        "target": {"p95_ms": 500.0, "met": True},
    }
    page = write_page(results.keep(tmp_path, "2026-11-26", "4.1", "imagery", result, quick=False)).read_text()
    assert "| 400 | 210 | 390 | 480 | 512 | 80 | 9 | 12 | 3 |" in page
    assert "| a view | p95 ≤ 500 ms | 390 ms | met |" in page
