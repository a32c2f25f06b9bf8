"""How far each source of tallies is merged, and which tallies may be.

Every tally names the half-open range of source positions that it stands for. Ranges must join without a hole: what
was merged already is skipped, and a hole stops the stage, because counts that lack something look like any others.
"""

from collections.abc import Mapping
from typing import NamedTuple

from msgspec import Struct

from proofwatch.events.types import Tally


class TalliesMissing(Exception):
    """A range of the source never arrived: stop; rebuild the windows, or find out why combine left a hole."""


class TalliesOverlap(Exception):
    """A tally stands for what is merged in part: stop; merged it would count double, and left out it would lack."""


class SourceId(NamedTuple):
    """A partition of the topic that combine reads."""

    topic: str
    partition: int


class SourceState(Struct, frozen=True, array_like=True):
    """Everything below `position` is merged; `progress_ms` is the greatest record time seen, None before any.

    `topic_id`: of which topic of that name the position is; None: nobody has said.
    """

    position: int
    progress_ms: int | None
    topic_id: str | None = None


def admit(tally: Tally, state: SourceState | None) -> tuple[SourceState, bool]:
    """Return the source's next state, and whether the tally's cells are to be merged.

    The first tally of a source may begin anywhere, and so may that of a topic that was made anew: its positions have
    nothing to do with those before. Raises `TalliesMissing`, `TalliesOverlap`.
    """
    before, after, topic_id = tally.position_before, tally.position_after, tally.source_topic_id
    if state is None:
        return SourceState(after, tally.progress_at, topic_id), True
    progress_ms = max((at for at in (state.progress_ms, tally.progress_at) if at is not None), default=None)
    made_anew = None not in (topic_id, state.topic_id) and topic_id != state.topic_id
    if made_anew or before == state.position:
        return SourceState(after, progress_ms, topic_id or state.topic_id), True
    if after <= state.position:
        return SourceState(state.position, progress_ms, state.topic_id), False
    if before < state.position:
        raise TalliesOverlap(
            f"{tally.source_topic}/{tally.source_partition}: merged up to position {state.position}, but the next "
            f"tally stands for {before} to {after}, so that {before} to {state.position} would count twice: combine "
            f"went back behind what it had published and cut its batches otherwise (were its group's offsets reset, or "
            f"the topic made anew?); rebuild the windows: stop combine and windows, empty the tables of the schema "
            f"windows, delete the records of metrics.tallies.v1, set the groups combine and windows-relay to offset 0 "
            f"(deleting them does not set them back), and start both again"
        )
    raise TalliesMissing(
        f"{tally.source_topic}/{tally.source_partition}: merged up to position {state.position}, but the next tally "
        f"stands for {before} to {after}; tallies must join without a hole"
    )


def least_progress(sources: Mapping[SourceId, SourceState], topic: str, partitions: int) -> int | None:
    """Return the time up to which every partition of `topic` is merged; None while one has not reported."""
    progress = [_progress(sources.get(SourceId(topic, partition))) for partition in range(partitions)]
    known = [at for at in progress if at is not None]
    return min(known) if known and len(known) == len(progress) else None


def _progress(state: SourceState | None) -> int | None:
    return state.progress_ms if state else None
