"""The end of a file is no evidence: what fires then stands, although time and late labels go on."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import orjson

from tests.integration.standalone.test_time import Rows, replay

DAYS, EACH = 6, 144
BAD = (DAYS - 1) * EACH + EACH // 3
"""The first row of what is wrong up to the end."""


def log() -> Rows:
    """Return six days, the last two thirds of which fail liveness, with labels that come five days later."""
    random, start = Random(3), datetime(2025, 3, 3, tzinfo=UTC)
    made = []
    for number in range(DAYS * EACH):
        at = start + timedelta(minutes=10 * number)
        fails = random.random() < (0.4 if number >= BAD else 0.02)
        labelled = number % 10 == 0
        made.append({
            "transaction_id": f"t{number:05}",
            "subject_ref": f"s{number:05}",
            "occurred_at": at.isoformat(),
            "match_score": f"{random.uniform(0.9, 1):.4f}",
            "liveness_score": f"{random.uniform(0.2, 0.9) if fails else random.uniform(0.996, 0.999):.5f}",
            "presentation": "bona_fide" if labelled else "",
            "labelled_at": (at + timedelta(days=5)).isoformat() if labelled else "",
            "os": "ios" if number % 3 else "android",
        })  # fmt: skip
    return made


def test_what_fires_when_a_file_ends_is_told_as_standing(tmp_path: Path) -> None:
    """Five days of labels come after the last row: nobody is told that it ended for want of traffic."""
    outcome = replay(tmp_path / "run", log(), "--time-zone", "Asia/Dubai")
    standing = [each for each in outcome["incidents.jsonl"] if each["state"] != "merged"]
    strong = [each for each in standing if each["evidence"] == "strong"]
    wrong = [each for each in strong if "liveness_fail_rate" in each["metrics"]]
    assert wrong
    for each in wrong:
        assert (each["state"], each["standing"]) == ("firing", "standing when the file ends")
        assert "It stands when the file ends, 2025-03-09 03:50 Asia/Dubai (UTC+4)" in each["sentence"]
    ended = [each for each in outcome["anomalies.jsonl"] if each.get("resolution") == "no_traffic"]
    assert [each for each in ended if each["window_end"] > "2025-03-08T23:50"] == [], "silence within the file is told"
    assert not [each for each in outcome["notifications.jsonl"] if each["state"] == "resolved"]
    summary = orjson.loads((tmp_path / "run" / "out" / "summary.json").read_bytes())
    assert any(said.startswith("Standing when the file ends: ") for said in summary["incidents"])
    report = (tmp_path / "run" / "out" / "report.html").read_text()
    assert "standing when the file ends" in report
