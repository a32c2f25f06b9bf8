"""`proofwatch markers add`: what an entry must say, from when on it holds; and what the list says of its rows."""

import argparse
import json
from pathlib import Path

import pytest

from services.aggregator.core.found import NothingFound
from services.aggregator.queries import markers
from services.aggregator.queries.declare import entry_of, said

NOW_MS = 1_795_000_010_000
FIVE_MS = 300_000
WHO = ("--by", "A. Rao", "--reason", "change 1187")


def parsed(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    markers.add_arguments(parser)
    return parser.parse_args(["add", "--tenant", "acme", *words])


def test_an_entry_holds_from_windows_on_that_nobody_can_have_closed() -> None:
    """Ten minutes from now at the earliest; a change to come at its moment."""
    entry = entry_of(parsed("--kind", "matcher", "--version", " 8.0 ", *WHO), NOW_MS)
    assert (entry.name, entry.version, entry.at_ms, entry.by) == ("matcher_version", "8.0", NOW_MS, "A. Rao")
    assert entry.effective_ms % FIVE_MS == 0
    assert 600_000 <= entry.effective_ms - NOW_MS < 900_000
    tomorrow = parsed("--kind", "vendor", "--version", "8", "--at", "2026-11-19T10:02:00Z", *WHO)
    later = entry_of(tomorrow, NOW_MS)
    assert 0 <= later.effective_ms - later.at_ms < FIVE_MS
    assert later.effective_ms > entry.effective_ms
    assert "what is usual begins anew of capture_ms, fta_rate" in said(later)
    assert "By A. Rao: change 1187" in said(later)


@pytest.mark.parametrize(
    ("words", "wrong"),
    [
        (("--version", "8", *WHO), "--kind is needed"),
        (("--kind", "sdk", *WHO), "--version is needed"),
        (("--kind", "sdk", "--version", "8" * 201, *WHO), "more than 200"),
        (("--kind", "sdk", "--version", "8", "--at", "2026-01-01T00:00:00Z", *WHO), "is too long ago"),
    ],
)
def test_an_entry_that_says_too_little_or_comes_too_late_is_refused(words: tuple[str, ...], wrong: str) -> None:
    with pytest.raises(NothingFound, match=wrong):
        entry_of(parsed(*words), NOW_MS)


def test_the_list_says_whose_word_a_marker_is_and_what_cannot_be_told_apart(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """An SDK and a matcher in the same minute have the face match in common; a matcher and a PAD nothing."""

    def row(name: str, since_ms: int, **more: str) -> str:
        marker = {
            "name": name, "version": "8", "previous": "7", "since_ms": since_ms, "known_ms": since_ms, "n": 40,
            "share": 0.5, "state": "comparing", **more,
        }  # fmt: skip
        return json.dumps({"tenant": "acme", "marker": marker})

    rows = [
        row("sdk_version", NOW_MS, by="A. Rao", reason="change 1187"),
        row("matcher_version", NOW_MS + 60_000),
        row("pad_version", NOW_MS + 86_400_000),
    ]
    (tmp_path / "markers.jsonl").write_text("\n".join(rows))
    parser = argparse.ArgumentParser()
    markers.add_arguments(parser)
    assert markers.run(parser.parse_args(["--tenant", "acme", "--run", str(tmp_path)])) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "sdk_version 8: by A. Rao: change 1187" in shown
    assert "sdk_version 8 and matcher_version 8 began in the same five minutes" in shown
    assert "pad_version 8 began" not in shown


def test_the_list_says_up_to_when_transactions_are_counted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Until the comparison was over; so far, where it goes on: a count that still grows is no other than the rest."""

    def row(version: str, state: str, ended_ms: int) -> str:
        marker = {
            "name": "sdk_version", "version": version, "previous": "7", "since_ms": NOW_MS, "known_ms": NOW_MS,
            "n": 1_234, "share": 0.5, "state": state, "ended_ms": ended_ms,
        }  # fmt: skip
        return json.dumps({"tenant": "acme", "marker": marker})

    rows = [row("8", "comparing", 0), row("9", "no_change", NOW_MS + 86_400_000)]
    (tmp_path / "markers.jsonl").write_text("\n".join(rows))
    parser = argparse.ArgumentParser()
    markers.add_arguments(parser)
    asked = ["--tenant", "acme", "--run", str(tmp_path)]
    assert markers.run(parser.parse_args(asked)) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "1,234 so far" in shown
    assert "1,234 until 2026-11-19 11:06 UTC" in shown
    assert "counted from `since` on until the comparison is over" in shown
    assert markers.run(parser.parse_args([*asked, "--format", "json"])) == 0
    document = json.loads(capsys.readouterr().out)
    assert [each["counted_until"] for each in document["rows"]] == [None, "2026-11-19T11:06:50Z"]
