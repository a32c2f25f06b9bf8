"""Recently seen transactions."""

from typing import Any

import pytest

from services.scorer.core.duplicates import Recent, Seen

HORIZON = 1000


def see(
    recent: Recent,
    at_ms: int,
    name: str = "tx",
    value: bytes = b"v",
    tenant: str = "t",
    occurred_ms: int = 0,
    attempt: str | None = None,
    subject: bytes = b"s",
    horizon_ms: int = HORIZON,
) -> Seen:
    return recent.see(at_ms, occurred_ms, tenant, name, attempt, subject, value, horizon_ms)


def test_the_same_bytes_again_are_a_repeat_and_others_a_conflict() -> None:
    """As far as nothing says that it is a further attempt: the same time, and no attempt_id."""
    recent = Recent(HORIZON)
    recent.begin(1, 0)
    assert see(recent, 0) is Seen.FIRST
    assert see(recent, 1) is Seen.REPEATED
    assert see(recent, 2, value=b"w") is Seen.CONFLICTING
    assert see(recent, 3, value=b"w") is Seen.REPEATED
    assert see(recent, 4) is Seen.REPEATED
    assert see(recent, 5, value=b"x") is Seen.CONFLICTING


def test_a_later_payload_of_the_same_subject_is_a_further_attempt() -> None:
    """Vendors resubmit under one session id; what comes again of any of the attempts is a repeat."""
    recent = Recent(HORIZON)
    recent.begin(1, 0)
    assert see(recent, 0, value=b"a", occurred_ms=10) is Seen.FIRST
    assert see(recent, 1, value=b"b", occurred_ms=11) is Seen.FURTHER
    assert see(recent, 2, value=b"c", occurred_ms=12) is Seen.FURTHER
    for again, occurred in ((b"a", 10), (b"c", 12), (b"b", 11), (b"b", 11), (b"a", 10)):
        assert see(recent, 3, value=again, occurred_ms=occurred) is Seen.REPEATED
    assert see(recent, 4, value=b"d", occurred_ms=10) is Seen.CONFLICTING
    assert see(recent, 5, value=b"e", occurred_ms=13, subject=b"other") is Seen.CONFLICTING


def test_attempt_ids_tell_attempts_apart_whatever_their_times() -> None:
    """One id with two payloads contradicts itself; another subject's is no attempt."""
    recent = Recent(HORIZON)
    recent.begin(1, 0)
    assert see(recent, 0, value=b"a", attempt="1", occurred_ms=9) is Seen.FIRST
    assert see(recent, 1, value=b"b", attempt="2", occurred_ms=9) is Seen.FURTHER
    assert see(recent, 2, value=b"c", attempt="3", occurred_ms=5) is Seen.FURTHER
    assert see(recent, 3, value=b"a", attempt="1", occurred_ms=9) is Seen.REPEATED
    assert see(recent, 4, value=b"x", attempt="2", occurred_ms=99) is Seen.CONFLICTING
    assert see(recent, 5, value=b"d", attempt="4", occurred_ms=99, subject=b"other") is Seen.CONFLICTING
    assert see(recent, 6, "another", value=b"x", attempt="2") is Seen.FIRST


def test_an_attempt_id_is_never_taken_for_a_payload() -> None:
    """Python hashes a text and its bytes alike; of one in sixteen, sixty bits alone once made a repeat."""
    for number in range(500):
        recent, name = Recent(HORIZON), str(number)
        assert see(recent, 0, value=b"a", attempt=name, occurred_ms=1) is Seen.FIRST
        assert see(recent, 1, value=name.encode(), attempt="other", occurred_ms=2) is Seen.FURTHER


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
            at_ms, name, value = offset * 170, f"tx-{offset % 3}", f"{offset // 3 % 5 % 3}".encode()
            more: dict[str, Any] = {
                "occurred_ms": offset * 7 % 11,
                "attempt": (None, "1", "2", None)[offset // 3 % 4],
                "subject": b"other" if offset % 13 == 7 else b"s",
            }
            whole.begin(offset, at_ms)
            told.append(see(whole, at_ms, name, value, **more))
            if at_ms >= start * 170 - HORIZON:
                recalled.begin(offset, at_ms)
                again = see(recalled, at_ms, name, value, **more)
                assert offset < start or again is told[-1]


def test_policies_have_their_own_horizons() -> None:
    """The memory holds the longest; a shorter one ends sooner, and zero at once."""
    recent = Recent(HORIZON)
    assert see(recent, 0) is Seen.FIRST
    assert see(recent, 500, horizon_ms=500) is Seen.FIRST
    assert see(recent, 500, horizon_ms=0) is Seen.FIRST
    assert see(recent, 999, horizon_ms=500) is Seen.REPEATED


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
        assert len(recent) == 3  # of a, both payloads
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
