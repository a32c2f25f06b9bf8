"""What the incident stage tells is a function of the log: whatever the cuts, the crashes, and which lane is ahead."""

from hypothesis import given, settings
from hypothesis import strategies as st

from proofwatch.events import topics
from tests.unit.aggregator.incidents.a_log import Run, log_of

_Turn = tuple[str, int, bool]
_TURN = st.tuples(st.sampled_from((topics.ANOMALIES, topics.WINDOWS)), st.integers(1, 40), st.booleans())


async def _whole(seed: int) -> Run:
    run = Run(log_of(seed))
    await run.rest()
    return run


@given(seed=st.integers(0, 3), turns=st.lists(_TURN, max_size=60))
@settings(max_examples=60)
async def test_cuts_crashes_and_the_order_of_lanes_decide_nothing(
    seed: int, turns: list[tuple[str, int, bool]]
) -> None:
    """The same records with the same bytes at the same times."""
    run = Run(log_of(seed))
    for topic, number, crash in turns:
        await run.take(topic, number, crash=crash)
    await run.rest(7)
    whole = await _whole(seed)
    assert [(each.timestamp_ms, each.value) for each in run.output] == [
        (each.timestamp_ms, each.value) for each in whole.output
    ]


async def test_what_is_read_twice_is_told_once() -> None:
    """A log that is read again from its beginning changes nothing: so it is after a reset of offsets."""
    run = await _whole(1)
    told = len(run.output)
    run.position = dict.fromkeys(run.position, 0)
    await run.rest()
    assert told > 3
    assert len(run.output) == told
