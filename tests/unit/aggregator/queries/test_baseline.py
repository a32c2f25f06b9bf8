"""`proofwatch baseline rebase`: what it asks for, and what it refuses."""

import argparse
from pathlib import Path

import msgspec
import pytest

from services.aggregator.core.cusum.profile import Usual
from services.aggregator.core.cusum.state import HourRow, RateRow, RateState, RowKey
from services.aggregator.core.found import Asked, NothingFound
from services.aggregator.queries.baseline import add_arguments, rebase_of, said
from services.aggregator.queries.baseline_source import FILE
from services.cli import main

NOW_MS = 1_769_000_123_000
FIVE_MS = 300_000


def asked(*more: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    return parser.parse_args(["rebase", "--tenant", "acme", "--by", "A. Rao", "--reason", "asks twice", *more])


def test_it_takes_effect_later_than_any_window_that_can_have_closed() -> None:
    """With a five-minute window that begins ten minutes from now: nobody has counted it yet."""
    rebase = rebase_of(asked("--metric", "rejection_rate", "--segment", "os=ios"), NOW_MS)
    assert rebase[:4] == ("acme", "os", "ios", "rejection_rate")
    assert rebase.effective_ms % FIVE_MS == 0
    assert 0 <= rebase.effective_ms - (NOW_MS + 600_000) < FIVE_MS
    assert rebase.from_ms == NOW_MS
    assert (rebase.by, rebase.reason) == ("A. Rao", "asks twice")
    assert said(rebase).startswith("rejection_rate of os=ios of acme begins anew")
    assert "A. Rao: asks twice" in said(rebase)


@pytest.mark.parametrize(
    ("more", "says"),
    [
        (("--since", "2099-01-01"), "still to come"),
        (("--segment", "os"), "--segment os needs a value"),
    ],
)
def test_what_it_refuses(more: tuple[str, ...], says: str) -> None:
    """In words that say what would be right."""
    with pytest.raises(NothingFound, match=says):
        rebase_of(asked(*more), NOW_MS)


def test_segments_are_typed_as_elsewhere() -> None:
    """Name and value."""
    assert asked("--segment", "sdk_version=5.2.0").segment == Asked("sdk_version", "5.2.0")


def _written(folder: Path) -> Path:
    """A run that knew a tenant and one handset of it."""
    usual = Usual(0.02, 40, 2000, 200)
    lines = [
        msgspec.json.encode(
            {
                "key": RowKey("acme", name, value),
                "charts": RateRow(490_000, 1_764_000_000_000, {"rejection_rate": RateState(usual)}),
                "hours": HourRow(),
            }
        )
        for name, value in ((None, None), ("device_model", "A-1"))
    ]
    (folder / FILE).write_bytes(b"\n".join(lines))
    (folder / "summary.json").write_text('{"calendar": {"time_zone": "Asia/Kolkata"}}')
    return folder


def test_a_run_is_asked_as_the_database_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """By the run's clock; one segment value of it; every figure of the table."""
    folder = _written(tmp_path)
    assert main(["baseline", "show", "--tenant", "acme", "--run", str(folder)]) == 0
    said = capsys.readouterr()
    assert "whole tenant" in said.out
    assert "device_model=A-1" in said.out
    assert "40 of 2,000" in said.out
    assert "Asia/Kolkata (UTC+5:30), the end of the newest" in said.out + said.err
    more = ["--segment", "device_model=A-1"]
    assert main(["baseline", "show", "--tenant", "acme", "--run", str(folder), *more]) == 0
    assert "whole tenant" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("typed", "wrong"),
    [
        (("--tenant", "other"), "no windows of a tenant 'other'; there are: acme"),
        (("--tenant", "acme", "--segment", "os"), "acme has no os; it has no segment os"),
        (("--tenant", "acme", "--segment", "device_model=B"), "acme has no device_model=B; there are: A-1"),
        (("--tenant", "acme", "--metric", "fta_rate"), "acme has no trials of fta_rate yet"),
    ],
)
def test_what_a_run_does_not_know_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], typed: tuple[str, ...], wrong: str
) -> None:
    assert main(["baseline", "show", "--run", str(_written(tmp_path)), *typed]) == 2
    assert wrong in capsys.readouterr().err


@pytest.mark.parametrize("command", [["baseline", "show"], ["markers"]])
def test_what_a_run_writes_at_its_end_is_not_there_before(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], command: list[str]
) -> None:
    """Not: no such file."""
    (tmp_path / "windows.jsonl").write_text("")
    assert main([*command, "--tenant", "acme", "--run", str(tmp_path)]) == 2
    assert "this run goes on, or was broken off; a run writes it at its end" in capsys.readouterr().err
