"""Contiguity of tallies, and time."""

import pytest

from proofwatch.events.types import Tally
from services.aggregator.core.progress import (
    SourceId,
    SourceState,
    TalliesMissing,
    TalliesOverlap,
    admit,
    least_progress,
)


def tally(before: int, after: int, progress_at: int | None = None) -> Tally:
    return Tally(
        schema_version=1,
        source_topic="verdicts",
        source_partition=0,
        position_before=before,
        position_after=after,
        progress_at=progress_at,
        cells=(),
    )


def test_ranges_that_join_are_merged() -> None:
    """The next range begins where the last one ended; the first may begin anywhere."""
    first, fresh = admit(tally(7, 10, 100), None)
    assert (first, fresh) == (SourceState(10, 100), True)
    assert admit(tally(10, 12, 90), first) == (SourceState(12, 100), True)


def test_a_range_that_is_merged_already_is_skipped() -> None:
    """A redelivered tally adds nothing, but its time counts."""
    assert admit(tally(7, 10, 120), SourceState(10, 100)) == (SourceState(10, 120), False)


def test_an_empty_range_moves_time_on() -> None:
    """An idle tally has no positions of its own."""
    assert admit(tally(10, 10, 150), SourceState(10, 100)) == (SourceState(10, 150), True)


@pytest.mark.parametrize(("before", "after"), [(9, 12), (0, 11)])
def test_an_overlap_halts_and_is_called_one(before: int, after: int) -> None:
    """What begins below the position and ends above it lacks nothing: a part of it would count twice."""
    with pytest.raises(TalliesOverlap, match=f"merged up to position 10.* {before} to {after}.* {before} to 10 would"):
        admit(tally(before, after), SourceState(10, 100))


@pytest.mark.parametrize(("before", "after"), [(11, 12), (11, 11)])
def test_a_hole_halts(before: int, after: int) -> None:
    """Counts that lack something look like any others, so the stage stops and says where."""
    with pytest.raises(TalliesMissing, match=f"verdicts/0: merged up to position 10.* {before} to {after}"):
        admit(tally(before, after), SourceState(10, 100))


def test_time_is_the_least_over_all_expected_sources() -> None:
    """A partition that has not reported holds time back; one fast clock moves nothing."""
    sources = {SourceId("v", 0): SourceState(1, 1_000_000), SourceId("v", 1): SourceState(1, 50)}
    assert least_progress(sources, "v", 2) == 50
    assert least_progress(sources, "v", 3) is None
    sources[SourceId("v", 2)] = SourceState(0, None)
    assert least_progress(sources, "v", 3) is None
