"""Recently seen transactions."""

from services.scorer.core.duplicates import Recent, Seen

HORIZON = 1000


def see(recent: Recent, offset: int, at_ms: int, name: str = "tx", value: bytes = b"v", tenant: str = "t") -> Seen:
    return recent.see(offset, at_ms, tenant, name, value)


def test_the_same_bytes_again_are_a_repeat_and_others_a_conflict() -> None:
    """Each record is compared with the newest one of its transaction."""
    recent = Recent(HORIZON)
    assert see(recent, 1, 0) is Seen.FIRST
    assert see(recent, 2, 1) is Seen.REPEATED
    assert see(recent, 3, 2, value=b"w") is Seen.CONFLICTING
    assert see(recent, 4, 3, value=b"w") is Seen.REPEATED
    assert see(recent, 5, 4) is Seen.CONFLICTING


def test_tenants_have_their_own_ids() -> None:
    """An id is unique within its tenant only."""
    recent = Recent(HORIZON)
    assert see(recent, 1, 0, tenant="a") is Seen.FIRST
    assert see(recent, 2, 0, tenant="b") is Seen.FIRST


def test_the_horizon_runs_from_the_newest_record() -> None:
    """A repeat prolongs it, so that nothing older than a horizon matters; expiry in between changes nothing."""
    for expire in (False, True):
        recent = Recent(HORIZON)
        see(recent, 1, 0)
        assert see(recent, 2, HORIZON - 1) is Seen.REPEATED
        assert see(recent, 3, 2 * HORIZON - 2) is Seen.REPEATED
        if expire:
            recent.expire(3 * HORIZON - 2)
            assert len(recent) == 0
        assert see(recent, 4, 3 * HORIZON - 2, value=b"w") is Seen.FIRST
        recent.expire(3 * HORIZON - 1)
        assert see(recent, 5, 3 * HORIZON - 1) is Seen.CONFLICTING


def test_what_is_told_depends_on_one_horizon_alone() -> None:
    """A memory that starts a horizon before a record tells the same as one that has seen everything."""
    for start in range(40):
        whole, recalled = Recent(HORIZON), Recent(HORIZON)
        told = []
        for offset in range(40):
            args = (offset, offset * 170, f"tx-{offset % 3}", b"v" if offset % 4 else b"w")
            told.append(see(whole, *args))
            if offset * 170 >= start * 170 - HORIZON:
                again = see(recalled, *args)
                assert offset < start or again is told[-1]


def test_rewinding_forgets_the_records_that_come_again() -> None:
    """A batch that is seen again does not find itself."""
    recent = Recent(HORIZON)
    see(recent, 1, 0, "a")
    see(recent, 5, 0, "b")
    see(recent, 6, HORIZON, "a")
    recent.rewind(5)
    assert see(recent, 5, 0, "b") is Seen.FIRST
    assert len(recent) == 2


def test_rewinding_brings_back_what_was_replaced() -> None:
    """Records below the position stand for their ids again."""
    recent = Recent(HORIZON)
    see(recent, 1, 0)
    for _ in range(2):
        recent.rewind(5)
        assert see(recent, 5, HORIZON - 1, value=b"w") is Seen.CONFLICTING
        assert see(recent, 6, 2 * HORIZON) is Seen.FIRST


def test_a_horizon_of_zero_never_finds_a_repeat() -> None:
    """Deduplication can be switched off by policy."""
    recent = Recent(0)
    assert [see(recent, offset, 0) for offset in range(2)] == [Seen.FIRST, Seen.FIRST]


def test_memory_stays_with_the_horizon() -> None:
    """However long the log is, only one horizon of it is kept, and the rest is given back."""
    recent = Recent(HORIZON)
    for offset in range(60_000):
        recent.expire(offset)
        assert see(recent, offset, offset, f"tx-{offset}") is Seen.FIRST
        assert len(recent) <= HORIZON
    assert len(recent._offsets) <= 2 * 4096
    assert len(recent._numbers) == len(recent)
    assert see(recent, 60_000, 60_000, "tx-59001") is Seen.REPEATED
