"""Recently seen transactions."""

import pytest

from services.scorer.core.duplicates import Recent, Seen

HORIZON = 1000


def see(recent: Recent, at_ms: int, name: str = "tx", value: bytes = b"v", tenant: str = "t") -> Seen:
    return recent.see(at_ms, tenant, name, value, HORIZON)


def test_the_same_bytes_again_are_a_repeat_and_others_a_conflict() -> None:
    """Each record is compared with the newest one of its transaction."""
    recent = Recent(HORIZON)
    recent.begin(1, 0)
    assert see(recent, 0) is Seen.FIRST
    assert see(recent, 1) is Seen.REPEATED
    assert see(recent, 2, value=b"w") is Seen.CONFLICTING
    assert see(recent, 3, value=b"w") is Seen.REPEATED
    assert see(recent, 4) is Seen.CONFLICTING


def test_tenants_have_their_own_ids() -> None:
    """An id is unique within its tenant only."""
    recent = Recent(HORIZON)
    assert see(recent, 0, tenant="a") is Seen.FIRST
    assert see(recent, 0, tenant="b") is Seen.FIRST


@pytest.mark.parametrize("batches", [1, 2, 5])
def test_the_horizon_runs_from_the_newest_record(batches: int) -> None:
    """A repeat prolongs it, so that nothing older than a horizon matters; how batches are cut changes nothing."""
    recent = Recent(HORIZON)
    told = []
    for number, (at_ms, value) in enumerate(
        [(0, b"v"), (HORIZON - 1, b"v"), (2 * HORIZON - 2, b"v"), (3 * HORIZON - 2, b"w"), (3 * HORIZON - 1, b"x")]
    ):
        if number % (6 - batches) == 0:
            recent.begin(number, at_ms)
        told.append(see(recent, at_ms, value=value))
    assert told == [Seen.FIRST, Seen.REPEATED, Seen.REPEATED, Seen.FIRST, Seen.CONFLICTING]


def test_what_is_told_depends_on_one_horizon_alone() -> None:
    """A memory that starts a horizon before a record tells the same as one that has seen everything."""
    for start in range(40):
        whole, recalled = Recent(HORIZON), Recent(HORIZON)
        told = []
        for offset in range(40):
            at_ms, name, value = offset * 170, f"tx-{offset % 3}", b"v" if offset % 4 else b"w"
            whole.begin(offset, at_ms)
            told.append(see(whole, at_ms, name, value))
            if at_ms >= start * 170 - HORIZON:
                recalled.begin(offset, at_ms)
                again = see(recalled, at_ms, name, value)
                assert offset < start or again is told[-1]


def test_policies_have_their_own_horizons() -> None:
    """The memory holds the longest; a shorter one ends sooner, and zero at once."""
    recent = Recent(HORIZON)
    assert recent.see(0, "t", "tx", b"v", HORIZON) is Seen.FIRST
    assert recent.see(500, "t", "tx", b"v", 500) is Seen.FIRST
    assert recent.see(500, "t", "tx", b"v", 0) is Seen.FIRST
    assert recent.see(999, "t", "tx", b"v", 500) is Seen.REPEATED


def test_a_batch_that_comes_again_does_not_find_itself() -> None:
    """What it replaced stands again, what it added is gone; also when it comes cut otherwise."""
    recent = Recent(HORIZON)
    recent.begin(1, 0)
    see(recent, 0, "a")
    for cut in (3, 1, 2):
        recent.begin(5, 10)
        seen = [
            see(recent, 10 + n, name, value) for n, (name, value) in enumerate([("b", b"v"), ("a", b"w"), ("b", b"v")])
        ]
        assert seen == [Seen.FIRST, Seen.CONFLICTING, Seen.REPEATED], cut
        assert len(recent) == 2
    recent.begin(5, 10)
    assert see(recent, 20, "a") is Seen.REPEATED


def test_an_offset_before_the_last_batch_must_be_recalled() -> None:
    """What was seen long ago is not taken back."""
    recent = Recent(HORIZON)
    recent.begin(5, 0)
    with pytest.raises(ValueError, match="read the horizon again"):
        recent.begin(4, 0)


def test_memory_stays_with_the_horizon() -> None:
    """However long the log is, no more than two horizons of it are kept."""
    recent = Recent(HORIZON)
    for offset in range(20_000):
        recent.begin(offset, offset)
        assert see(recent, offset, f"tx-{offset}") is Seen.FIRST
        assert len(recent) <= 2 * HORIZON
    assert see(recent, 20_000, "tx-19001") is Seen.REPEATED
