"""What the journey benchmark makes of what it saw."""

from pathlib import Path
from typing import Any

import pytest

from tests.benchmarks import results
from tests.benchmarks.interpreter import described, interpreter
from tests.benchmarks.journey import targets
from tests.benchmarks.journey_phases import Look, lags, samples
from tests.benchmarks.journey_reader import STAGES
from tests.benchmarks.page import write_page

LINE: dict[str, Any] = {
    "at": 110.0,
    "oldest": {"scorer": 1_000, "devices": 950, "combine": 900, "windows": 400, "ledger": 1_001, "triage": None},
    "incidents_s": 0.5,
    "notifier_s": 0.25,
}
SAMPLES = {"at": [0.0, 0.5], **{stage: [0.1, 0.2] for stage in STAGES}}
ROW: dict[str, Any] = {
    "rate": 20,
    "phase": 1,
    "seconds": 20.0,
    "sent": 400,
    "verdicts": 400,
    "repeated": 0,
    "generator_late_ms": {"0.5": 0.1, "0.99": 2.0, "1.0": 5.0},
    "lag_s": {stage: {"median": 0.1, "max": 1.5} for stage in STAGES},
    "within": True,
    "gave_up": False,
    "drained_s": 0.5,
    "samples": SAMPLES,
    "transactions": 390,
    "processor_us": dict.fromkeys(STAGES, 1_500.0),
    "shares": dict.fromkeys(STAGES, 0.03),
    "others_share": 0.12,
    "wal_bytes": 12_345,
    "tallies": 0.8,
    "rss_mib": dict.fromkeys(STAGES, 80),
    "ledger_rows": 400,
    "in_windows": 400,
    "window_late_s": 1.5,
    "counted": True,
}
OUTAGE: dict[str, Any] = {
    **{name: ROW[name] for name in ("phase", "sent", "verdicts", "repeated", "drained_s", "samples", "counted")},
    **{name: ROW[name] for name in ("ledger_rows", "in_windows", "window_late_s")},
    "rate": 500,
    "away_s": 15,
    "lag_when_back_s": dict.fromkeys(STAGES, 15.0),
    "caught_up_s": 4.5,
    "ended": ["windows"],
}
IDLE = {
    "seconds": 10.0,
    "shares": {**dict.fromkeys(STAGES, 0.005), "kafka": 0.3},
    "tallies_per_s": 24.0,
    "wal_per_s": 9,
}
GIVEN_UP = {
    **{name: value for name, value in ROW.items() if name not in ("shares", "wal_bytes")},
    "rate": 5_000,
    "within": False,
    "gave_up": True,
    "drained_s": None,
    "counted": False,
}


def test_the_lag_is_the_age_of_the_oldest_input_that_is_not_done() -> None:
    """Input n became due n ÷ rate after the start; what is not due yet is not late."""
    found = lags(LINE, start=100.0, rate=100, sent=None)
    assert found == {
        "scorer": 0.0,
        "devices": 0.5,
        "combine": 1.0,
        "windows": 6.0,
        "ledger": 0.0,
        "incidents": 0.5,
        "triage": 0.0,
        "notifier": 0.25,
    }


def test_a_stage_that_has_done_everything_lags_no_more_however_long_ago_the_last_input_was() -> None:
    """After the end of the traffic."""
    found = lags({**LINE, "at": 500.0}, start=100.0, rate=100, sent=1_000)
    assert found["scorer"] == found["ledger"] == 0.0
    assert found["windows"] == 396.0


def test_samples_that_are_thinned_out_keep_the_greatest_lags() -> None:
    """A drawing must not hide what decides."""
    looks = [Look(float(at), dict.fromkeys(STAGES, 9.0 if at == 77 else 0.1), {}) for at in range(200)]
    thin = samples(looks, zero=10.0)
    assert len(thin["at"]) <= 60
    assert max(thin["windows"]) == 9.0
    assert thin["at"][-1] == 189.0


def test_what_was_not_measured_meets_no_target() -> None:
    """Silence is not success."""
    assert not any(each["met"] for each in targets([], None, None))
    assert not any(each["met"] for each in targets([GIVEN_UP], {**OUTAGE, "caught_up_s": None}, None))


def test_an_input_is_soon_in_its_minute_at_the_highest_rate_that_was_followed() -> None:
    """By the p99 of what windows has not counted, not by a rate that was given up."""
    late = {**ROW, "lag_s": {stage: {"median": 0.1, "p99": 1.75, "max": 2.5} for stage in STAGES}}
    [_, found, *_] = targets([ROW, late, GIVEN_UP], None, None)
    assert (found["what"], found["measured"], found["met"]) == ("in_window_s", 1.75, True)


def test_a_rate_at_which_not_all_was_counted_is_not_the_figure() -> None:
    """However quick it was."""
    [rate, *_] = targets([{**ROW, "rate": 15_000, "counted": False}, {**ROW, "rate": 12_000}], None, None)
    assert (rate["measured"], rate["met"]) == (12_000, True)


@pytest.mark.parametrize("rows", [[ROW], [ROW, GIVEN_UP]])
def test_the_page_says_what_was_found_and_on_what(tmp_path: Path, rows: list[dict[str, Any]]) -> None:
    """Figure, targets, who ended, how the interpreter was built; also of a run that failed half way."""
    result = {
        "seconds": 20,
        "broker_warm_up_seconds": 5,
        "warm_up_seconds": 5,
        "grace_seconds": 5,
        "tenants": 3,
        "limit_s": 2.0,
        "cores": 2,
        "load_before": 0.5,
        "figure": 20,
        "rates": rows,
        "left_out": [] if len(rows) == 1 else [10_000],
        "outage": OUTAGE if len(rows) == 1 else None,
        "idle": IDLE if len(rows) == 1 else None,
        "targets": targets(rows, OUTAGE if len(rows) == 1 else None, IDLE if len(rows) == 1 else None),
    }
    file = results.keep(tmp_path, "2026-11-25", "4.1", "journey", result, quick=False)
    page = write_page(file).read_text()
    joined = " ".join(page.split())
    assert "**20 transactions a second** is the highest rate" in joined
    assert described(interpreter()) in joined
    assert "| write-ahead log at 20 a second | ≤ 4,096 bytes a transaction | 12,345 | not met |" in page
    assert "![The whole journey](benchmarks/2026-11-25-journey.svg)" in page
    if len(rows) == 1:
        assert "| 500 | 15.0 | 15.0 | 15.0 | 15.0 | 15.0 | 15.0 | 15.0 | 15.0 | 4.5 | windows |" in page
        assert "| busiest of the eight stages when idle | ≤ 1% of a core | 0.5% | met |" in page
    else:
        assert "given up" in page
        assert "Not tried, for the rate before them was given up: 10,000." in joined
        assert "| tallies when idle | ≤ 2 a second | not measured | not met |" in page


@pytest.mark.parametrize(
    ("profile_guided", "link_time", "words"),
    [
        (True, True, "built with profile-guided and link-time optimisation"),
        (True, False, "built with profile-guided optimisation"),
        (False, False, "built without profile-guided or link-time optimisation"),
        (
            None,
            None,
            "whose executable is of another build than its configuration describes, as Debian's is",
        ),
    ],
)
def test_the_build_of_the_interpreter_is_said(profile_guided: bool | None, link_time: bool | None, words: str) -> None:
    """One without optimisations is slower by a tenth and more."""
    built = {"version": "CPython 3.11.9", "profile_guided": profile_guided, "link_time": link_time}
    assert described(built).startswith(f"CPython 3.11.9, {words}")
