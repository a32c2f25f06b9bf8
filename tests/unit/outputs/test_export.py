"""`proofwatch export training`, `statement`, `statistics`, `troubleshoot`: nobody gives out data without a name."""

from pathlib import Path

import pytest

from services.cli import main

SECRET = "c2VjcmV0IHNlY3JldCBzZWNyZXQgc2VjcmV0IHNlY3JldCE="
MONTH = ("--month", "2026-03")


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (("export", "training", "--since", "7d"), "say who asks, it is on record"),
        (("export", "training", "--since", "7d", "--by", "me"), "--reason must say what for"),
        (("export", "training", "--since", "7d", "--by", "me", "--as", "s", "--reason", "x"), "say who asks"),
        (("statement", *MONTH), "say who asks"),
        (("statement", *MONTH, "--by", " "), "say who asks"),
        (("statistics", *MONTH), "say who asks"),
        (("troubleshoot", "tx-1", "--reason", "x"), "say who asks"),
        (("troubleshoot", "tx-1", "--by", "me"), "--reason must say what for"),
    ],
)
def test_who_asks_and_why_is_said_first(
    command: tuple[str, ...],
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Exit code 2 and one sentence; nothing was connected to, nothing is there."""
    monkeypatch.setenv("PROOFWATCH_SUBJECT_TAG_SECRET", SECRET)
    out = ("--out", str(tmp_path / "set")) if command[0] == "export" else ()

    assert main([*command, "--tenant", "acme", *out]) == 2
    shown = capsys.readouterr()
    assert said in shown.err
    assert shown.out == ""
    assert list(tmp_path.iterdir()) == []
