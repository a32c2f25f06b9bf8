"""Contiguity of tallies, and time."""

import msgspec
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


def tally(before: int, after: int, progress_at: int | None = None, topic_id: str | None = None) -> Tally:
    return Tally(
        schema_version=1,
        source_topic="verdicts",
        source_partition=0,
        position_before=before,
        position_after=after,
        progress_at=progress_at,
        source_topic_id=topic_id,
        cells=(),
    )


def test_states_of_the_release_before_are_read() -> None:
    """They have two elements, and no topic."""
    old = msgspec.msgpack.encode([10, 100])
    assert msgspec.msgpack.decode(old, type=SourceState) == SourceState(10, 100)


def test_a_topic_made_anew_begins_anew_wherever_its_positions_are() -> None:
    """Its positions are others; the time that has passed stays. Who never said which topic it was is believed."""
    old = SourceState(10, 100, "a")
    assert admit(tally(0, 4, 90, "b"), old) == (SourceState(4, 100, "b"), True)
    assert admit(tally(0, 12, 90, "b"), old) == (SourceState(12, 100, "b"), True)
    assert admit(tally(30, 31, 90, "b"), old) == (SourceState(31, 100, "b"), True)
    assert admit(tally(0, 4, 90, "a"), old) == (SourceState(10, 100, "a"), False)
    assert admit(tally(10, 12, 90), old) == (SourceState(12, 100, "a"), True)
    assert admit(tally(10, 12, 90, "b"), SourceState(10, 100)) == (SourceState(12, 100, "b"), True)
    assert admit(tally(0, 4, 90, "b"), SourceState(10, 100)) == (SourceState(10, 100), False)


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
