"""What a run says of how far it has come, where no view shows it."""

from pathlib import Path

from services.standalone.progress import EVERY_S, Progress

_NOON_MS = 1_790_078_400_000


class _Run:
    """A run with a clock of its own, and what it said."""

    def __init__(self, *, speaks: bool = True) -> None:
        self.now, self.said = 0.0, list[str]()
        self.progress = Progress("replay", Path("out/a"), 900, say=self.said.append, clock=lambda: self.now)
        self.progress.speaks = speaks


def test_a_short_run_says_nothing() -> None:
    run = _Run()
    run.progress.fed(900, _NOON_MS)
    run.progress.closing()
    run.progress.writing()
    assert run.said == []


def test_a_long_run_says_how_far_it_is_at_intervals_and_then_every_stage() -> None:
    run = _Run()
    for sent in range(100, 901, 100):
        run.now += EVERY_S / 2
        run.progress.fed(sent, _NOON_MS)
    run.progress.closing()
    run.progress.writing()
    assert [each.removeprefix("proofwatch replay: ").rstrip() for each in run.said] == [
        *(f"{sent} of 900 transactions in, up to 2026-09-22 12:00 UTC" for sent in (200, 400, 600, 800)),
        "all 900 transactions are in; the last windows close",
        "writing results to out/a",
    ]


def test_it_is_silent_where_a_view_shows_it() -> None:
    run = _Run(speaks=False)
    run.now = 99.0
    run.progress.fed(5, _NOON_MS)
    assert run.said == []


def test_what_is_left_behind_is_said_by_the_stage_it_was_in() -> None:
    run = _Run()
    assert run.progress.interrupted() == (
        "proofwatch replay: interrupted: nothing had been fed, and out/a has no results\n"
    )
    run.progress.fed(5, _NOON_MS)
    assert "5 of 900 transactions had been fed; out/a has their verdicts" in run.progress.interrupted()
    run.progress.closing()
    assert "all 5 transactions had been fed; out/a has their verdicts" in run.progress.interrupted()
    run.progress.writing()
    assert "may be missing" in run.progress.interrupted()
