"""The demo accounts for every transaction, and its seed decides every byte."""

from pathlib import Path

import orjson
import pytest

from services.cli import main


def test_the_same_seed_gives_identical_verdicts(tmp_path: Path) -> None:
    """verdicts.jsonl, in the order of the input, is the same byte by byte; another seed is another day."""
    for name, seed in (("one", "5"), ("two", "5"), ("three", "6")):
        assert main(["demo", "--events", "1500", "--seed", seed, "--headless", "--out", str(tmp_path / name)]) == 0
    one, two, three = ((tmp_path / name / "verdicts.jsonl").read_bytes() for name in ("one", "two", "three"))
    assert one == two != three
    moments = [orjson.loads(line)["occurred_at"] for line in one.splitlines()]
    assert len(moments) > 1400


def test_the_day_reaches_every_service(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Attack wave to suspicion, case and notification; labels to error rates; conservation holds."""
    out = tmp_path / "out"
    assert main(["demo", "--events", "4000", "--headless", "--out", str(out)]) == 0
    summary = orjson.loads((out / "summary.json").read_bytes())
    assert summary["conservation"]["holds"]
    assert summary["conservation"]["consumed"] == 4000
    assert all(summary["conservation"][name] > 0 for name in ("decided", "deduplicated", "dead_lettered"))
    assert all(
        summary["outputs"][name] > 0 for name in ("windows", "anomalies", "suspicions", "cases", "notifications")
    )
    assert summary["labels"]["waiting"] == 0
    assert summary["evaluation"]["liveness"]["apcer"]["worst_species"] in ("replay-screen", "print-paper")
    assert b"<svg" in (out / "report.html").read_bytes()
    assert "conservation holds" in " ".join(capsys.readouterr().out.split())
