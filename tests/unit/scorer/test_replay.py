"""Verdicts are a function of the log: batches, crashes and repetitions change nothing."""

from collections.abc import Iterator
from itertools import islice
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proofwatch.bus.records import Batch, Outgoing, Record
from proofwatch.runtime.clock import SimulatedClock
from services.scorer.adapters.memory import MemorySubjects
from services.scorer.core import pipeline
from services.scorer.core.attempts import before
from services.scorer.core.conservation import Conservation
from tests.unit.bus.stages import written
from tests.unit.scorer import samples
from tests.unit.scorer.samples import (
    COMPILED,
    SOURCE,
    LogHistory,
    after,
    batch,
    kept,
    of,
    record,
    run,
    seen_by_others,
    stage,
    transaction,
)

SCORES = st.sampled_from([0.2, 0.87, 0.999, None])
EVENTS = st.lists(
    st.tuples(
        st.integers(0, 9),  # transaction: repeats and conflicts happen
        st.sampled_from("ab"),
        st.integers(-30, 30),  # hours: windows are left, late ones arrive
        SCORES,
        SCORES,
    ),
    max_size=24,
)
_APPENDED_MS = 1_768_999_000_000
_LATER_MS = _APPENDED_MS + 86_400_000
CUTS = st.lists(st.integers(0, 24), max_size=6)


@pytest.fixture(autouse=True, scope="module")
def small_parts() -> Iterator[None]:
    """Outputs are drawn a few at a time, as those of a large batch are; the clock has reached all that is appended."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pipeline, "_PART", 2)
        patch.setattr(samples, "CLOCK", SimulatedClock(_LATER_MS))
        yield


def log_of(events: list[tuple[int, str, int, float | None, float | None]]) -> list[Record]:
    """A log with holes in its offsets; it is appended well after everything occurred."""
    made = []
    for n, (number, subject, hours, match, liveness) in enumerate(events):
        fields: dict[str, Any] = {"match_score": match, "liveness_score": liveness}
        event = transaction(number, subject, hours * 3600.0, **fields)
        made.append(record(3 * n, event, _APPENDED_MS + n * 700_000))
    return made


async def histories(attempts: MemorySubjects, end: int) -> list[object]:
    """What every subject's next transaction would see, at any hour that matters."""
    made = [state.attempts for state in await kept(attempts, end, b"acme/a", b"acme/b")]
    hours = range(-30, 31, 5)
    return [before(h, end, 1_768_464_000_000 + t * 3_600_000, of(-1), COMPILED.window_ms) for h in made for t in hours]


@settings(max_examples=150, deadline=None)
@given(EVENTS, CUTS)
async def test_any_cut_into_batches_gives_the_same_outputs_and_attempts(
    events: list[tuple[int, str, int, float | None, float | None]], cuts: list[int]
) -> None:
    """Byte for byte, dead letters included."""
    records = log_of(events)
    whole, parts = MemorySubjects(10**6), MemorySubjects(10**6)
    assert await run(parts, records, cuts) == await run(whole, records)
    assert await histories(parts, after(records)) == await histories(whole, after(records))


@settings(max_examples=150, deadline=None)
@given(EVENTS, CUTS, st.lists(st.integers(0, 8), max_size=4))
async def test_batches_that_are_lost_before_their_commit_and_come_again_change_nothing(
    events: list[tuple[int, str, int, float | None, float | None]], cuts: list[int], crashes: list[int]
) -> None:
    """Each crash leaves attempts behind that were written ahead; the same records come again, cut otherwise."""
    records = log_of(events)
    expected = await run(reference := MemorySubjects(10**6), records)
    attempts, conservation = MemorySubjects(10**6), Conservation()
    committed: list[Outgoing] = []
    done = turn = 0
    scorer, opening = None, True
    while done < len(records):
        position = after(records[:done])
        scorer = scorer or stage(attempts, observer=conservation)
        if opening:
            await scorer.opened(SOURCE, position, LogHistory(records, position))
            opening = False
        size = 1 + (cuts[turn % len(cuts)] if cuts else 5)
        taken = records[done : done + size]
        drawn = await scorer.step(Batch(SOURCE, taken, position, taken[-1].offset + 1, None, 0), None)
        outputs = list(islice(drawn, turn % 4 if turn in crashes else None))  # a crash while they are drawn
        turn += 1
        if turn - 1 in crashes:
            scorer = None if turn % 2 else scorer  # a new process, or the same one beginning anew
            opening = True
            continue
        committed += seen_by_others(written(outputs, SOURCE, "scorer"))
        done += len(taken)
    if scorer:
        if opening:
            await scorer.opened(SOURCE, after(records), LogHistory(records, after(records)))
        await scorer.step(batch([], after(records)), None)
    assert committed == expected
    if records:
        assert await histories(attempts, after(records)) == await histories(reference, after(records))
    assert conservation.totals().holds
    assert conservation.totals().consumed == len(records)
