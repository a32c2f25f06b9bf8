"""One subject's state."""

from msgspec.structs import replace

from proofwatch.events.types import Attempt, Mfa, Shadowing, SubjectState
from services.scorer.core.attempts import BOUND, History
from services.scorer.core.subject import FLAG_KEPT_MS, NOTHING, decode, encode, is_empty, pruned, settled

LOG_MS = 1_768_464_000_000
HASH, OTHER_HASH = "a" * 32, "b" * 32
STEP_UP = Mfa(control_id="27c2ed38-e03a-57b4-9240-33e954a7bfcd", since_ms=LOG_MS, until_ms=LOG_MS + 1000)


def history(*failed: int, first: int = 0) -> History:
    return tuple(
        Attempt(offset=n, occurred_ms=LOG_MS, transaction=n, failed=each) for n, each in enumerate(failed, first)
    )


def shadow(policy_hash: str, *failed: int) -> Shadowing:
    return Shadowing(policy_hash=policy_hash, attempts=history(*failed))


FULL = SubjectState(
    schema_version=1,
    offset=3,
    attempts=history(3, 3),
    flagged_ms=LOG_MS,
    step_up=STEP_UP,
    shadows=(shadow(HASH, 1), shadow(OTHER_HASH, 2)),
)


def test_what_is_kept_comes_back_as_it_was() -> None:
    """Whoever takes a subject over builds on the same."""
    assert decode(encode(FULL)) == FULL


def test_a_state_is_empty_when_nothing_is_left_to_remember() -> None:
    """A tombstone must stand for nothing else."""
    assert is_empty(NOTHING)
    assert is_empty(replace(NOTHING, offset=9))
    for kept in (
        replace(NOTHING, attempts=history(1)),
        replace(NOTHING, flagged_ms=0),
        replace(NOTHING, step_up=STEP_UP),
        replace(NOTHING, shadows=(shadow(HASH, 1),)),
    ):
        assert not is_empty(kept)


def test_settling_drops_what_was_cleared_under_each_policy() -> None:
    """Clears take effect on the live history and on each shadow by itself; what is left of none is dropped."""
    state = replace(FULL, attempts=history(3, 0, 1), shadows=(shadow(HASH, 1, 0), shadow(OTHER_HASH, 2, 0, 2)))
    after = settled(state, 3)
    assert [entry.offset for entry in after.attempts] == [2]
    assert after.shadows
    assert [(each.policy_hash, len(each.attempts)) for each in after.shadows] == [(OTHER_HASH, 1)]
    assert (after.flagged_ms, after.step_up, after.offset) == (state.flagged_ms, state.step_up, state.offset)
    assert settled(replace(state, shadows=(shadow(HASH, 1, 0),)), 3).shadows is None


def test_settling_ignores_what_lies_at_or_above_the_position() -> None:
    """Only a rewound group can meet it: it will be judged again."""
    state = replace(FULL, attempts=history(3, 3, 3), shadows=(shadow(HASH, 1, 1, 1),))
    after = settled(state, 1)
    assert len(after.attempts) == 1
    assert after.shadows
    assert len(after.shadows[0].attempts) == 1


def test_settling_bounds_every_history() -> None:
    """A subject that fails without end does not grow."""
    failures = [1] * (3 * BOUND)
    after = settled(replace(FULL, attempts=history(*failures), shadows=(shadow(HASH, *failures),)), 10**6)
    assert len(after.attempts) == BOUND
    assert after.shadows
    assert len(after.shadows[0].attempts) == BOUND


def test_settling_a_settled_state_changes_nothing() -> None:
    """The same object: it costs nothing to look."""
    assert settled(FULL, 10) is FULL
    assert settled(NOTHING, 0) is NOTHING


def test_pruning_drops_what_has_no_effect_any_more() -> None:
    """Old flags, ended step-ups, histories of shadow policies that are no longer in use."""
    assert pruned(FULL, LOG_MS + 999, {HASH, OTHER_HASH}) is FULL
    assert pruned(FULL, LOG_MS + 1000, {HASH, OTHER_HASH}) == replace(FULL, step_up=None)
    assert pruned(FULL, LOG_MS, {HASH}) == replace(FULL, shadows=FULL.shadows and FULL.shadows[:1])
    assert pruned(FULL, LOG_MS, ()) == replace(FULL, shadows=None)
    assert pruned(FULL, LOG_MS + FLAG_KEPT_MS - 1, ()).flagged_ms == LOG_MS
    assert pruned(FULL, LOG_MS + FLAG_KEPT_MS, ()) == replace(NOTHING, offset=3, attempts=FULL.attempts)
    assert pruned(NOTHING, LOG_MS, ()) is NOTHING
