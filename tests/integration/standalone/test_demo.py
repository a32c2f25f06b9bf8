"""The demo accounts for every transaction, and its seed decides every byte."""

import sys
from pathlib import Path

import orjson
import pytest

from services.cli import main
from tests.integration.standalone.a_day import EVENTS, ADay


def test_the_same_seed_gives_identical_verdicts(tmp_path: Path) -> None:
    """Verdicts, in the order of the input, and the audit log are the same byte by byte; another seed is another day."""
    for name, seed in (("one", "5"), ("two", "5"), ("three", "6")):
        assert main(["demo", "--events", "1500", "--seed", seed, "--headless", "--out", str(tmp_path / name)]) == 0
    one, two, three = ((tmp_path / name / "verdicts.jsonl").read_bytes() for name in ("one", "two", "three"))
    assert one == two != three
    moments = [orjson.loads(line)["occurred_at"] for line in one.splitlines()]
    assert len(moments) > 1400
    logs = [(tmp_path / name / "audit" / "entries.jsonl").read_bytes() for name in ("one", "two", "three")]
    assert logs[0] == logs[1] != logs[2]


def test_the_day_reaches_every_service(day: ADay) -> None:
    """Attack wave to suspicion, case and notification; labels to error rates; conservation holds."""
    out = day.out
    summary = orjson.loads((out / "summary.json").read_bytes())
    assert summary["conservation"]["holds"]
    assert summary["conservation"]["consumed"] == EVENTS
    assert all(summary["conservation"][name] > 0 for name in ("decided", "deduplicated", "dead_lettered"))
    assert all(
        summary["outputs"][name] > 0 for name in ("windows", "anomalies", "suspicions", "cases", "notifications")
    )
    assert summary["labels"]["waiting"] == 0
    assert summary["evaluation"]["liveness"]["apcer"]["worst_species"] in ("replay-screen", "print-paper")
    assert b"<svg" in (out / "report.html").read_bytes()
    cases = [orjson.loads(line) for line in (out / "cases.jsonl").read_bytes().splitlines()]
    waiting = sum(case["state"] != "closed" for case in cases)
    assert (summary["outputs"]["cases"], summary["outputs"]["open_cases"]) == (len(cases), waiting)
    incidents = [orjson.loads(line) for line in (out / "incidents.jsonl").read_bytes().splitlines()]
    told = [each for each in incidents if each["evidence"] == "strong" and each["state"] != "merged"]
    assert summary["outputs"]["incidents"] == len(told) == len(summary["incidents"])
    assert any(each["root"]["segment_value"] == "A-1801" and each["tenant"] == "lumen-telco" for each in told)
    assert told[0]["title"] in (out / "report.html").read_text()
    assert f"{len(cases):,} cases were opened" in (out / "report.html").read_text()
    closing = " ".join(day.said.split())
    assert "conservation holds" in closing
    assert told[0]["title"] in closing


def test_one_person_is_refused_a_picture_and_another_sees_it_and_both_are_on_record(
    day: ADay, capsys: pytest.CaptureFixture[str]
) -> None:
    """Asked, refused; asked, granted, intended, ended; and the log that has it is whole. What is said names both."""
    shown = orjson.loads((day.out / "summary.json").read_bytes())["imagery"]
    refused, seen = shown["asked"]
    assert (refused["code"], refused["bytes"], shown["drawn"], shown["failed"]) == ("no_role", 0, False, "")
    assert seen["bytes"] > 0
    closing = " ".join(day.said.split())
    assert f"{refused['name']} (sre) was refused: none of your roles opens imagery" in closing
    assert f"{seen['name']} (analyst) saw the picture of {shown['transaction_id']}" in closing
    assert main(["audit", "search", "--run", str(day.out), "--entry-action", "imagery.*", "--json"]) == 0
    found = [orjson.loads(line)["entry"] for line in capsys.readouterr().out.splitlines()]
    assert [(each["action"].removeprefix("imagery."), each["outcome"]) for each in found] == [
        ("lease", "denied"),
        ("lease", "granted"),
        ("view_intended", "granted"),
        ("view_ended", "done"),
    ]
    assert found[0]["details"]["reason_code"] == "no_role"
    assert found[3]["details"] == {"state": "delivered", "bytes": seen["bytes"]}
    assert shown["transaction_id"] not in str(found), "an entry names no transaction"
    assert main(["audit", "show", seen["view_id"], "--run", str(day.out)]) == 0
    assert main(["audit", "verify", str(day.out / "audit"), "--key", str(day.out / "audit.pub")]) == 0


def test_what_a_run_leaves_behind_can_be_explained_and_backtested(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """From its folder alone, without Kafka or its driver; verdicts are reproduced byte for byte."""
    scores, out = tmp_path / "scores.csv", tmp_path / "out"
    rows = [f"t{number},{0.99 if number % 3 else 0.6},genuine" for number in range(300)] + ["t300,0.9,cat"]
    scores.write_text("transaction_id,match_score,pair\n" + "\n".join(rows) + "\n")
    assert main(["replay", str(scores), "--match-threshold", "0.7", "--out", str(out), "--headless"]) == 0
    monkeypatch.setitem(sys.modules, "aiokafka", None)
    capsys.readouterr()
    assert main(["explain", "t3", "--run", str(out)]) == 0
    assert "reproduced" in capsys.readouterr().out
    files = ["--over", str(out / "transactions.jsonl"), "--labels", str(out / "labels.jsonl")]
    assert main(["backtest", "--policy", str(out / "policy.json"), *files, "--format", "json"]) == 0
    assert b'"t3"' in (out / "labels.jsonl").read_bytes()


def test_explain_without_the_driver_says_what_is_missing(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """One line, no traceback, and the way that needs none."""
    for name in [
        name for name in sys.modules if name.partition(".")[0] == "aiokafka" or name == "proofwatch.bus.kafka.bus"
    ]:
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.setitem(sys.modules, "aiokafka", None)
    assert main(["explain", "t3", "--tenant", "acme", "--by", "me", "--reason", "a test"]) == 2
    said = capsys.readouterr().err
    assert "aiokafka, which is not installed" in said
    assert "--run DIR" in said
    assert said.count("\n") == 1
