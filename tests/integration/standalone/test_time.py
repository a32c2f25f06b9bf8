"""Time in a replay: it says what a live system would have said, whatever the density, order or outliers."""

import csv
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import orjson
import pytest

from services.cli import main
from services.standalone import feed
from services.standalone.app import Standalone

Rows = list[dict[str, str]]
OUTPUTS = ("verdicts.jsonl", "windows.jsonl", "anomalies.jsonl", "cases.jsonl", "notifications.jsonl")


def rows(days: int, each: int, start: datetime, step: timedelta, bad: tuple[int, int], share: float) -> Rows:
    """Return a log in which the rows from `bad` to `bad` fail with probability `share`, labelled in part."""
    random = Random(5)
    made = []
    for day in range(days):
        for n in range(each):
            number = day * each + n
            fails = random.random() < (share if bad[0] <= number < bad[1] else 0.02)
            made.append({
                "transaction_id": f"t{number:05}",
                "subject_ref": f"s{random.randrange(days * each)}",
                "occurred_at": (start + timedelta(days=day) + n * step).isoformat(),
                "match_score": f"{random.uniform(0.5, 0.8) if fails else random.uniform(0.9, 1):.4f}",
                "liveness_score": "0.999",
                "pair": random.choice(["genuine", "genuine", "impostor", ""]),
                "os": random.choice(["ios", "android"]),
            })  # fmt: skip
    return made


def slow() -> Rows:
    """Return four days of 50 rows, one every 28 minutes; the second day fails."""
    return rows(4, 50, datetime(2025, 3, 3, tzinfo=UTC), timedelta(minutes=28.7), (50, 100), 0.6)


def hours() -> Rows:
    """Return two hours of which half an hour fails."""
    return rows(1, 500, datetime(2026, 3, 4, 6, tzinfo=UTC), timedelta(seconds=14.4), (250, 375), 0.7)


def sparse() -> Rows:
    """Return forty days of eight rows, one every three hours; a week of them fails."""
    return rows(40, 8, datetime(2025, 3, 3, tzinfo=UTC), timedelta(hours=2.9), (80, 136), 0.7)


def replay(path: Path, log: Sequence[dict[str, str]], *more: str) -> dict[str, list[Any]]:
    path.mkdir()
    with (path / "log.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, fieldnames=list(log[0]))
        writer.writeheader()
        writer.writerows(log)
    assert main(["replay", str(path / "log.csv"), "--out", str(path / "out"), "--headless", *more]) == 0
    return {
        file.name: [orjson.loads(line) for line in file.read_bytes().splitlines()]
        for file in (path / "out").glob("*.jsonl")
    }


def test_what_ends_after_the_last_row_has_ended(tmp_path: Path) -> None:
    """Labelled days close two days later, the last ones after the end of the file: what they end is over then."""
    log = rows(6, 50, datetime(2025, 3, 3, tzinfo=UTC), timedelta(minutes=28.7), (100, 150), 0.14)
    outcome = replay(tmp_path / "run", [{**each, "pair": "genuine"} for each in log])
    last = {each["anomaly_id"]: each["state"] for each in outcome["anomalies.jsonl"]}
    found = [each for each in outcome["incidents.jsonl"] if each["state"] != "merged"]
    assert any("fnmr" in each["metrics"] and each["state"] == "ended" for each in found)
    for each in found:
        states = {last[one] for one in (each["lead"]["anomaly_id"], *each["children"])}
        assert each["state"] == "ended" or "firing" in states, each["title"]


def test_a_slow_log_is_judged_day_by_day_whatever_the_chunks_and_the_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A log older than --start, fed in any chunks, sorted, shuffled or backwards: the same bytes, and the bad day."""
    log = slow()
    outcome = replay(tmp_path / "whole", log)
    assert not any(window["backfill"] for window in outcome["windows.jsonl"])
    assert any(
        each["metric"] == "match_fail_rate" and each["cadence"] == "daily" and each["segment_name"] is None
        and each["window_start"].startswith("2025-03-04")
        for each in outcome["anomalies.jsonl"]
    )  # fmt: skip
    random = Random(7)
    shuffled = log[:]
    random.shuffle(shuffled)
    for number, order in enumerate((log, shuffled, log[::-1])):
        size = random.choice([9, 17, 73, 100])
        monkeypatch.setattr(feed.Feed.chunks, "__defaults__", (size,))
        replay(tmp_path / str(number), order)
        for name in OUTPUTS:
            one, two = [(tmp_path / run / "out" / name).read_bytes() for run in ("whole", str(number))]
            assert one == two, f"{name}, {size} at a time, order {number}"


@pytest.mark.parametrize("log", [slow, sparse, hours])
def test_idle_work_at_the_ends_of_days_alone_gives_the_same_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, log: Callable[[], Rows]
) -> None:
    """Idle work after every slice of a day, as a live system has it, changes no byte of any output: it only costs."""
    replay(tmp_path / "quick", log())
    monkeypatch.setattr(Standalone, "work_off", Standalone.settle)
    replay(tmp_path / "slow", log())
    quick, thorough = tmp_path / "quick" / "out", tmp_path / "slow" / "out"
    names = sorted(path.name for path in quick.glob("*.jsonl"))
    assert {*OUTPUTS} <= {*names}
    assert [name for name in names if (quick / name).read_bytes() != (thorough / name).read_bytes()] == []


def test_an_odd_time_silences_nothing(tmp_path: Path) -> None:
    """Rows of 2099, of 1970 and of no time are dead letters; all the rest is judged as without them."""
    log = hours()
    odd = {100: "2099-12-31T00:00:00Z", 200: "1970-01-01T00:00:00Z", 300: ""}
    wanted = replay(tmp_path / "without", [row for number, row in enumerate(log) if number not in odd])
    outcome = replay(
        tmp_path / "with", [row | {"occurred_at": odd.get(n, row["occurred_at"])} for n, row in enumerate(log)]
    )
    assert sorted((each["reason"], each["stage"]) for each in outcome["dead_letters.jsonl"]) == [
        ("schema_mismatch", "replay"),
        ("schema_mismatch", "scorer"),
        ("time_ahead", "replay"),
    ]
    assert len(wanted["anomalies.jsonl"]) > 0
    for name in OUTPUTS:
        assert outcome[name] == wanted[name], name


def test_the_last_day_is_judged_however_late_its_last_row(tmp_path: Path) -> None:
    """A file that ends shortly before midnight loses nothing."""
    start = datetime(2026, 3, 4, 1, 58, 30, tzinfo=UTC)
    outcome = replay(tmp_path / "late", rows(1, 150, start, timedelta(seconds=528), (0, 150), 0.6))
    assert outcome["verdicts.jsonl"][-1]["occurred_at"].startswith("2026-03-04T23:4")
    assert not any(window["backfill"] for window in outcome["windows.jsonl"])
    assert any(each["cadence"] == "daily" for each in outcome["anomalies.jsonl"])
