"""A stage like the scorer's, reduced to what it remembers of its subjects, and the pure fold that it must equal."""

from collections.abc import Iterable, Sequence
from typing import Final

from msgspec.structs import replace

from proofwatch.bus.records import Batch, Outgoing, Record, TopicPartition
from proofwatch.bus.stage import History
from proofwatch.events.types import Mfa, SubjectState
from services.scorer.core.attempts import after, before
from services.scorer.core.subject import NOTHING, is_empty, settled
from services.scorer.handlers.subject_states import SubjectStates
from tests.unit.scorer.samples import of

FAIL: Final = b"fail"
ACCEPT: Final = b"accept"
FORGIVE: Final = b"forgive"
"""An accept that also takes the flag and the step-up away."""

WINDOW_MS: Final = 10**15
_CONTROL: Final = "27c2ed38-e03a-57b4-9240-33e954a7bfcd"
_UNTIL_MS: Final = 4 * 10**12


def decide(state: SubjectState, record: Record) -> tuple[bytes, SubjectState]:
    """Tell what is known of the subject before the transaction, and what it leaves: a flag at the third failure."""
    offset, value = record.offset, record.value
    failures = before(state.attempts, offset, offset, of(offset), WINDOW_MS).failures.match
    said = b"%d failed %d flagged %d" % (offset, failures, state.flagged_ms is not None)
    failed = 3 if value == FAIL else 0
    attempts = after(state.attempts, offset, offset, of(offset), failed, suspicion=False)
    flagged_ms, step_up = state.flagged_ms, state.step_up
    if failed and failures >= 2:
        flagged_ms, step_up = offset, Mfa(control_id=_CONTROL, since_ms=offset, until_ms=_UNTIL_MS)
    if value == FORGIVE:
        flagged_ms = step_up = None
    if attempts is state.attempts and flagged_ms == state.flagged_ms and step_up is state.step_up:
        return said, state
    return said, replace(state, offset=offset, attempts=attempts, flagged_ms=flagged_ms, step_up=step_up)


def fold(records: Iterable[Record]) -> tuple[list[bytes], dict[bytes, SubjectState]]:
    """Return what is said about each record, and the states in the end: one pass over the log, nothing else."""
    said, states, position = [], dict[bytes, SubjectState](), 0
    for record in records:
        assert record.key is not None
        answer, states[record.key] = decide(states.get(record.key, NOTHING), record)
        said.append(answer)
        position = record.offset + 1
    left = {subject: settled(state, position) for subject, state in states.items()}
    return said, {subject: state for subject, state in left.items() if not is_empty(state)}


class Remembering:
    """A `Stage[None]`: says what it knows about each record on the topic `out`, by the fold above."""

    def __init__(self, keeper: SubjectStates, out: str) -> None:
        self.keeper = keeper
        self.out = out
        self.said = 0

    async def opened(self, source: TopicPartition, position: int, history: History | None = None) -> None:
        await self.keeper.opened(source, position)

    async def closed(self, source: TopicPartition) -> None:
        self.keeper.closed(source)

    async def step(self, batch: Batch, tx: None) -> Sequence[Outgoing]:
        states = await self.keeper.load(batch, {record.key for record in batch.records if record.key})
        changes: dict[bytes, SubjectState] = {}
        outputs: list[Outgoing] = []
        for record in batch.records:
            assert record.key is not None
            state = states.get(record.key, NOTHING)
            answer, left = decide(state, record)
            if left is not state:
                states[record.key] = changes[record.key] = left
            outputs.append(Outgoing(self.out, record.key, answer, batch.source.partition))
        self.said += len(outputs)
        return [*outputs, *self.keeper.changed(batch, changes)]
