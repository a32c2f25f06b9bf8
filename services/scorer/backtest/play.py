"""A whole backtest: from a source and two policies to the result and its page."""

from collections.abc import Callable
from typing import NamedTuple

from proofwatch.biometrics.edges import edge_set
from proofwatch.governance.policy import Policy
from proofwatch.runtime.cell_settings import DEFAULT_SMALL_CELL
from services.scorer.backtest.arrivals import ALWAYS, Period, Source
from services.scorer.backtest.distributions import Distribution, distribution
from services.scorer.backtest.player import Player, Recorded, counting
from services.scorer.backtest.result import Result, result_of
from services.scorer.backtest.tally import Tally

Progress = Callable[[int, int | None], None]


class Played(NamedTuple):
    """The result, and the score histograms for its plots."""

    result: Result
    match: Distribution | None
    liveness: Distribution | None


async def play(
    source: Source,
    old: Policy,
    new: Policy,
    *,
    period: Period = ALWAYS,
    small_cell: int = DEFAULT_SMALL_CELL,
    progress: Progress = lambda done, total: None,
) -> Played:
    """Let both policies judge everything that the source has, in one pass.

    `progress` is told how much of how much is done. Raises what the source raises.
    """
    tally = Tally(
        (*old.segments, *new.segments),
        edge_set((old.match.threshold, new.match.threshold)),
        edge_set((old.liveness.threshold, new.liveness.threshold)),
    )
    players: tuple[Player, Player] = (
        counting(old, new) if source.attempts == "counted" else (Recorded(old), Recorded(new))
    )
    partition: int | None = None
    async for at, arrivals in source.batches():
        if at != partition:
            partition = at
            for player in players:
                player.forget()
        tally.play(arrivals, *players, period)
        progress(source.done, source.total)
    result = result_of(tally, source, old, new, period, small_cell)
    return Played(
        result,
        distribution(tally.sketches("match"), old.match.threshold, new.match.threshold),
        distribution(tally.sketches("liveness"), old.liveness.threshold, new.liveness.threshold),
    )
