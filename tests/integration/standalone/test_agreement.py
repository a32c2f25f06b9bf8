"""`evaluate` and `replay` refuse the same rows for the same reasons, and count what is left alike."""

import random
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest

from proofwatch.scorefile.account import Objection, Reasons
from services.cli import main
from tests.integration.standalone.test_replay import counts, replay, write

START = datetime(2026, 3, 4, 6, tzinfo=UTC)
Row = dict[str, Any]


def log(random_: random.Random, *, timed: bool) -> list[Row]:
    """Return a log with everything that people's exports have, in any order."""
    steps = [timedelta(seconds=number * random_.choice([7, 40, 200])) for number in range(300)]
    rows = [row(random_, f"t{number}", START + step) for number, step in enumerate(steps)]
    for _ in range(60):
        before = random_.choice(rows)
        rows.append(random_.choice([repeated, further, contradicting, elsewhere, much_later])(random_, before))
    for _ in range(3):
        rows.append(row(random_, "far", datetime(random_.choice([2099, 1971]), 5, 6, tzinfo=UTC)))
        rows.append(row(random_, f"blank{len(rows)}", None))
    rows = random_.choice([rows, rows[::-1], random_.sample(rows, len(rows))])
    return rows if timed else [{name: each[name] for name in each if name != "occurred_at"} for each in rows]


def row(random_: random.Random, name: str, at: datetime | None) -> Row:
    alike = f"{random_.betavariate(6, 2):.3f}"
    written = [f"{at:%Y-%m-%d %H:%M:%S}", at.isoformat(), f"{at.timestamp():.0f}"] if at else ["", "yesterday"]
    return {
        "transaction_id": random_.choice([name] * 20 + ["", "x" * 300]),
        "attempt_id": random_.choice([""] * 9 + ["a1"]),
        "subject_ref": f"s{random_.randrange(40)}",
        "occurred_at": random_.choice(written),
        "match_score": random_.choice([alike] * 20 + ["", "", "1.2", "NaN", "1.0000001", "high"]),
        "pair": random_.choice(["genuine", "genuine", "impostor", "Mated", "", random_.choice(["cat"] + [""] * 9)]),
        "liveness_score": random_.choice([f"{random_.betavariate(6, 1):.3f}"] * 20 + ["", "-0.5"]),
        "presentation": random_.choice(["bona_fide", "attack", ""]),
        "pai_species": random_.choice(["", "mask", "print", "Virtual Camera"]),
        "attack_class": random_.choice([""] * 9 + ["injection", "PA"]),
        "sex": random_.choice(["female", "male", ""]),
        "labelled_at": random_.choice(["", "", when_known(random_, at), when_known(random_, at), "never"]),
    }


def when_known(random_: random.Random, at: datetime | None) -> str:
    known = (at or START) + timedelta(days=random_.choice([0, 0.2, 3, 9, -1]), seconds=random_.randrange(50))
    return random_.choice([known.isoformat(), f"{known:%Y-%m-%d}"])


def moved(before: Row, **by: float) -> str:
    written = before["occurred_at"]
    at = datetime.fromtimestamp(float(written), UTC) if written.isdigit() else datetime.fromisoformat(written)
    return (at.replace(tzinfo=UTC) + timedelta(**by)).isoformat()


def repeated(random_: random.Random, before: Row) -> Row:
    return before | {"pair": random_.choice([before["pair"], "genuine", "impostor"])}


def further(random_: random.Random, before: Row) -> Row:
    same = {name: before[name] for name in ("transaction_id", "subject_ref")}
    return row(random_, "", START) | same | {"occurred_at": moved(before, seconds=random_.randrange(1, 900))}


def contradicting(random_: random.Random, before: Row) -> Row:
    return before | {"match_score": "0.987", "pair": random_.choice(["genuine", "impostor"])}


def elsewhere(random_: random.Random, before: Row) -> Row:
    at = moved(before, seconds=random_.randrange(1, 900))
    return before | {"subject_ref": "another", "occurred_at": at, "pair": "impostor"}


def much_later(_random: random.Random, before: Row) -> Row:
    return before | {"occurred_at": moved(before, hours=30), "match_score": "0.123"}


@pytest.mark.parametrize(("seed", "timed"), [(1, True), (2, True), (3, True), (4, False)])
def test_both_refuse_the_same_rows_and_count_the_same(
    tmp_path: Path, seed: int, timed: bool, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every refused row by its line and reason, every k and n, and how many rows only repeat another one."""
    refused: set[tuple[Objection, int]] = set()
    add = Reasons.add

    def noted(self: Reasons, why: Objection, line: int) -> None:
        refused.add((why, line))
        add(self, why, line)

    monkeypatch.setattr(Reasons, "add", noted)
    file = write(tmp_path / "log.csv", log(random.Random(seed), timed=timed))
    assert main(["evaluate", str(file)]) == 1
    offline, by_evaluate = orjson.loads(capsys.readouterr().out), refused.copy()
    refused.clear()
    summary = replay(file, tmp_path / "out", code=1)
    assert refused == by_evaluate
    assert summary["input"] == offline["input"]
    for part in ("match", "liveness", "segments", "system", "injection", "worst_segments"):
        assert counts(summary["evaluation"][part]) == counts(offline[part])
    assert summary["conservation"]["deduplicated"] == offline["input"]["repeated_rows"]
    assert summary["conservation"]["dead_lettered"] == offline["input"]["refused_rows"]
    problems = {why.problem[:20] for why, _ in refused}
    assert "was seen with anothe" in problems
    assert timed == any(problem.startswith("lies far") for problem in problems)
