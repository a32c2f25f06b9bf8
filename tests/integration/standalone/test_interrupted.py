"""A replay that is interrupted hands over what it found by then, as a part, and nothing that looks like a whole run."""

import os
import signal
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import orjson
import pytest

from proofwatch.bus.records import Outgoing
from services.cli import main
from services.standalone.feed import Feed
from services.standalone.session import Session
from tests.integration.standalone.test_end_of_file import DAYS, EACH, log
from tests.integration.standalone.test_replay import lines, replay, write
from tests.integration.standalone.test_time import Rows

_CHUNK = 100
_BAD = (DAYS - 2) * EACH


def two_bad_days() -> Rows:
    """Return six days, on the last two of which every second one fails liveness."""
    return [each | ({"liveness_score": "0.5"} if row >= _BAD and row % 2 else {}) for row, each in enumerate(log())]


def interrupted_after(monkeypatch: pytest.MonkeyPatch, transactions: int) -> None:
    """Let SIGINT come while the chunk is fed that holds this transaction."""
    whole, send = Feed.chunks, Session.send

    def chunks(self: Feed) -> Iterator[Sequence[Outgoing]]:
        return whole(self, _CHUNK)

    async def sent(self: Session, chunk: Sequence[Outgoing]) -> None:
        before = self.sent
        await send(self, chunk)
        if before < transactions <= self.sent:
            os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(Feed, "chunks", chunks)
    monkeypatch.setattr(Session, "send", sent)


def test_an_interrupted_replay_tells_what_it_found_so_far(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The incident stands, by what was fed; its people and case are there; summary and page say how far it came."""
    file, out, before = (
        write(tmp_path / "scores.csv", two_bad_days()),
        tmp_path / "out",
        signal.getsignal(signal.SIGINT),
    )
    interrupted_after(monkeypatch, _BAD + EACH + 40)
    capsys.readouterr()
    summary = replay(file, out, code=130)
    said = capsys.readouterr()
    assert signal.getsignal(signal.SIGINT) is before
    partial: dict[str, Any] = summary["interrupted"]
    at = partial["at"]
    assert _BAD + EACH + 40 <= at < len(log())
    words = f"INTERRUPTED at {at} of {len(log())} transactions"
    assert (partial["said"], partial["of"]) == (words, len(log()))
    assert next(iter(summary)) == "interrupted", "it is the first to be read"
    assert summary["conservation"] == {
        "consumed": at, "decided": at, "deduplicated": 0, "dead_lettered": 0, "holds": True
    }  # fmt: skip
    found = [each for each in lines(out / "incidents.jsonl") if "liveness_fail_rate" in each["metrics"]]
    found = [each for each in found if each["state"] != "merged"]
    assert [each["state"] for each in found if each["evidence"] == "strong"] == ["firing"]
    assert found[0]["standing"] == "standing when the part of the file that was fed ends"
    assert lines(out / "cases.jsonl")
    assert words in (out / "report.html").read_text()
    assert words in said.out
    assert words in said.err
    assert any((out / "audit").iterdir())


def test_what_an_earlier_run_left_is_not_taken_for_this_ones(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that is ended at once has no summary, nor one of yesterday's; one that came to its end says so."""
    file, out = write(tmp_path / "scores.csv", log()[:200]), tmp_path / "out"
    assert replay(file, out)["interrupted"] is None

    async def ended_at_once(self: Session, chunk: Sequence[Outgoing]) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Session, "send", ended_at_once)
    assert main(["replay", str(file), "--out", str(out), "--headless"]) == 130
    for name in ("summary.json", "incidents.jsonl", "cases.jsonl", "report.html", "policy.json"):
        assert not (out / name).exists(), name


def test_a_replay_that_is_interrupted_when_all_is_in_is_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Only results are left to be written: they are, and the exit code says that somebody had enough."""
    file, finish = write(tmp_path / "scores.csv", log()[:200]), Session.finish

    async def finished(self: Session, quiet: Any) -> None:
        os.kill(os.getpid(), signal.SIGINT)
        await finish(self, quiet)

    monkeypatch.setattr(Session, "finish", finished)
    assert replay(file, tmp_path / "out", code=130)["interrupted"] is None
    assert "has the results of the whole run" in capsys.readouterr().err
    assert orjson.loads((tmp_path / "out" / "summary.json").read_bytes())["conservation"]["consumed"] == 200
