"""Truth that comes days late is known days late: a breach is dated by then, and no count is another one."""

import csv
import random
from datetime import UTC, datetime, timedelta
from functools import partialmethod
from pathlib import Path
from typing import Any

import orjson
import pytest

from services.cli import main
from services.standalone.feed import Feed

START = datetime(2026, 3, 2, tzinfo=UTC)
DELAY = timedelta(days=4, hours=7)
THRESHOLDS = ("--match-threshold", "0.5", "--liveness-threshold", "0.5")


def log(path: Path, *, late: bool) -> Path:
    """Eight days with traffic and attacks that pass one time in ten; half of the truths come late."""
    random_ = random.Random(11)
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(
            ["transaction_id", "occurred_at", "liveness_score", "presentation", "pai_species", "labelled_at"]
        )
        for number in range(1600):
            at = START + timedelta(minutes=7.2 * number)
            attack = number % 3 == 0
            passes = random_.random() < (0.1 if attack else 0.99)
            known = at + DELAY * random_.choice([0, 1])
            writer.writerow([
                f"t{number}", at.isoformat(), 0.9 if passes else 0.1, "attack" if attack else "bona_fide",
                "mask" if attack else "", known.isoformat() if late else "",
            ])  # fmt: skip
    return path


def run(file: Path, out: Path, *more: str) -> dict[str, Any]:
    assert main(["replay", str(file), *THRESHOLDS, "--headless", "--out", str(out), *more]) == 0
    summary: dict[str, Any] = orjson.loads((out / "summary.json").read_bytes())
    return summary


def rows(out: Path, name: str) -> list[dict[str, Any]]:
    return [orjson.loads(line) for line in (out / f"{name}.jsonl").read_bytes().splitlines()]


def breaches(out: Path) -> list[dict[str, Any]]:
    return [each for each in rows(out, "anomalies") if each["rule"] == "limit_breach" and each["metric"] == "apcer"]


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return log(tmp_path_factory.mktemp("log") / "late.csv", late=True)


@pytest.fixture(scope="module")
def late(file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("late")
    run(file, out)
    return out


@pytest.fixture(scope="module")
def once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("once")
    run(log(out / "once.csv", late=False), out)
    return out


def summary(out: Path) -> dict[str, Any]:
    told: dict[str, Any] = orjson.loads((out / "summary.json").read_bytes())
    return told


def test_late_truth_changes_when_things_are_known_and_no_count(late: Path, once: Path) -> None:
    """The figures are those of truth at once; the breach is found, later, and says when it became known."""
    for part in ("labels", "evaluation"):
        assert summary(late)[part] == summary(once)[part]
    assert summary(late)["conservation"]["holds"]
    (first, *_), (sooner, *_) = breaches(late), breaches(once)
    assert first["known_at"] > sooner["known_at"]
    assert (first["k"], first["n"]) != (sooner["k"], sooner["n"]), "by what was known then"
    incidents = rows(late, "incidents")
    assert not [each for each in incidents if each["lead"]["rule"] == "volume"], "late labels are no end of traffic"


def test_a_delay_of_the_mapping_needs_no_column(once: Path, tmp_path: Path) -> None:
    """It holds for all; the figures are the same, the breach is known later."""
    (tmp_path / "mapping.yaml").write_text("label_delay: 4d\n")
    delayed = run(once / "once.csv", tmp_path / "delayed", "--mapping", str(tmp_path / "mapping.yaml"))
    assert delayed["evaluation"] == summary(once)["evaluation"]
    assert breaches(tmp_path / "delayed")[0]["known_at"] > breaches(once)[0]["known_at"]


@pytest.mark.parametrize("size", [1, 173])
def test_how_much_is_fed_at_once_says_nothing(
    file: Path, late: Path, tmp_path: Path, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Row by row, or in uneven pieces: the same windows, anomalies and incidents, byte by byte."""
    monkeypatch.setattr(Feed, "chunks", partialmethod(Feed.chunks, size))
    run(file, tmp_path / "pieces")
    for name in ("verdicts", "windows", "anomalies", "incidents", "cases"):
        assert rows(tmp_path / "pieces", name) == rows(late, name), name


def test_the_offline_figures_are_the_same(file: Path, late: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`evaluate` knows no time."""
    assert main(["evaluate", str(file), *THRESHOLDS]) == 0
    offline = orjson.loads(capsys.readouterr().out)
    assert offline["liveness"]["apcer"] == summary(late)["evaluation"]["liveness"]["apcer"]
