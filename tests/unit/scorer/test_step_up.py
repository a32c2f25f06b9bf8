"""Step-up MFA: when it is on, what is told about it, and that users who do not come back are told off."""

from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from proofwatch.events.codec import STEP_UP
from proofwatch.events.types import Attempts, Mfa, StepUp
from proofwatch.governance.policy import StepUpRule
from services.scorer.core.rules import judge
from services.scorer.core.step_up import Expiring, StepUpTimes, advance, off_record, records, with_step_up
from tests.unit.scorer.samples import COMPILED, transaction

CONTROL = "6f1a7a52-2f0e-5a53-9d0c-0b8f3c6f4b11"
OTHER = "6f1a7a52-2f0e-5a53-9d0c-0b8f3c6f4b12"
TIMES = StepUpTimes(flagged_ms=1_000, hold_ms=100)
ON = Mfa(control_id=CONTROL, since_ms=50, until_ms=150)
NONE = Attempts(match=0, liveness=0)


def test_it_is_turned_on_for_a_flagged_user_while_a_control_is_in_force() -> None:
    """Both are needed; the flag lasts as long as the policy says."""
    assert advance(None, 500, 500, CONTROL, TIMES) == Mfa(control_id=CONTROL, since_ms=500, until_ms=600)
    assert advance(None, 1_499, 500, CONTROL, TIMES) is not None
    assert advance(None, 1_500, 500, CONTROL, TIMES) is None
    assert advance(None, 500, None, CONTROL, TIMES) is None
    assert advance(None, 500, 500, None, TIMES) is None


def test_it_stays_on_though_control_and_flag_have_ended() -> None:
    """Hysteresis: until its time is up, nothing turns it off."""
    assert advance(ON, 149, None, None, TIMES) is ON
    assert advance(ON, 150, None, None, TIMES) is None


def test_it_is_prolonged_when_less_than_half_of_the_hold_is_left() -> None:
    """Same since, same control; before that a qualifying transaction changes nothing and tells nothing."""
    assert advance(ON, 100, 90, CONTROL, TIMES) is ON
    assert advance(ON, 101, 90, OTHER, TIMES) == Mfa(control_id=CONTROL, since_ms=50, until_ms=201)
    assert advance(ON, 101, None, CONTROL, TIMES) is ON


def test_after_a_lapse_it_is_turned_on_anew() -> None:
    """It had ended at its time, whoever looked when."""
    assert advance(ON, 150, 140, OTHER, TIMES) == Mfa(control_id=OTHER, since_ms=150, until_ms=250)


def test_times_come_from_the_policy() -> None:
    """Days and hours in milliseconds."""
    assert StepUpTimes.of(StepUpRule(flagged_days=2, hold_hours=3)) == (2 * 86_400_000, 3 * 3_600_000)


def told(before: Mfa | None, after: Mfa | None) -> list[tuple[str, int, int]]:
    found = records("acme", "a/b", before, after)
    for each in found:
        assert STEP_UP.decode(STEP_UP.encode(each)) == each
        assert (each.tenant, each.subject_ref) == ("acme", "a/b")
    return [(each.state, _ms(each, "since"), _ms(each, "until")) for each in found]


def _ms(record: StepUp, name: str) -> int:
    return round({"since": record.since, "until": record.until}[name].timestamp() * 1000)


def test_every_change_is_told_and_nothing_else() -> None:
    """On, prolonged, off, and off and on anew; an off record says when it ended."""
    later, anew = Mfa(control_id=CONTROL, since_ms=50, until_ms=201), Mfa(control_id=OTHER, since_ms=300, until_ms=400)
    assert told(None, None) == told(ON, ON) == []
    assert told(None, ON) == [("on", 50, 150)]
    assert told(ON, later) == [("on", 50, 201)]
    assert told(ON, None) == [("off", 50, 150)]
    assert told(ON, anew) == [("off", 50, 150), ("on", 300, 400)]


def test_a_prolonged_record_keeps_its_id_and_off_has_its_own() -> None:
    """uuid5 of tenant, subject, state and since."""
    (on,) = records("acme", "s", None, ON)
    (prolonged,) = records("acme", "s", ON, Mfa(control_id=CONTROL, since_ms=50, until_ms=201))
    off = off_record(b"acme/s", ON)
    assert on.step_up_id == prolonged.step_up_id != off.step_up_id
    assert (off,) == records("acme", "s", ON, None)
    assert off_record(b"acme/a/b", ON).subject_ref == "a/b"


def test_an_accept_asks_for_the_second_factor_and_anything_else_stays() -> None:
    """The decision stays an accept; the reason leads; the judgement is made once."""
    marginal = judge(transaction(match_score=0.86), COMPILED, NONE)
    asked = with_step_up(marginal)
    assert (asked.decision, asked.action) == ("accept", "step_up_mfa")
    assert asked.reasons == ("step_up_mfa_required", "match_marginal")
    assert with_step_up(marginal) is asked
    retry = judge(transaction(match_score=0.1), COMPILED, NONE)
    assert with_step_up(retry) is retry


def test_who_does_not_come_back_is_told_off_once_when_the_time_is_up() -> None:
    """In the order of their times; who was prolonged later."""
    users = Expiring()
    users.begin(0)
    users.put(b"acme/a", ON)
    users.put(b"acme/b", Mfa(control_id=CONTROL, since_ms=20, until_ms=120))
    users.put(b"acme/a", later := Mfa(control_id=CONTROL, since_ms=50, until_ms=201))
    assert users.due(119) == []
    assert users.due(160) == [(b"acme/b", Mfa(control_id=CONTROL, since_ms=20, until_ms=120))]
    assert users.get(b"acme/b") is None
    assert users.due(500) == [(b"acme/a", later)]
    assert users.due(500) == []


Step = tuple[int, str, bool, bool]
"""Log time (drawn: the gap before it), user, whether a control is in force, whether it raises a suspicion."""
STEPS = st.lists(
    st.tuples(st.integers(0, 60), st.sampled_from(["a", "b", "c"]), st.booleans(), st.booleans()), max_size=40
)
CUTS = st.lists(st.integers(1, 40), max_size=6)


def log_of(steps: list[Step]) -> list[Step]:
    log: list[Step] = []
    for gap_ms, user, control, flags in steps:
        log.append(((log[-1][0] if log else 0) + gap_ms, user, control, flags))
    return log


class Partition:
    """The least that a scorer does for step-up MFA with one partition of its log."""

    def __init__(self) -> None:
        self.users = Expiring()
        self.flagged: dict[str, int] = {}

    def work(self, log: list[Step], first: int, end: int) -> list[StepUp]:
        """Return the records of one batch; users who are due are told off when it begins."""
        self.users.begin(first)
        found = [off_record(key, mfa) for key, mfa in self.users.due(log[first][0])]
        for now_ms, user, control, flags in log[first:end]:
            if flags:
                self.flagged[user] = now_ms
            key, before = f"acme/{user}".encode(), self.users.get(f"acme/{user}".encode())
            after = advance(before, now_ms, self.flagged.get(user), CONTROL if control else None, TIMES)
            found += records("acme", user, before, after)
            self.users.put(key, after)
        return found


def _whole(log: list[Step], cuts: list[int], lost: list[int]) -> dict[str, list[StepUp]]:
    """Return all records by user; `lost` batches are worked on twice, at first with another end."""
    partition, found = Partition(), list[StepUp]()
    bounds = sorted({0, len(log), *(cut for cut in cuts if cut < len(log))})
    for turn, (first, end) in enumerate(pairwise(bounds)):
        if turn < len(lost):
            flagged = dict(partition.flagged)
            partition.work(log, first, first + lost[turn])
            partition.flagged = flagged
        found += partition.work(log, first, end)
    found += [off_record(key, mfa) for key, mfa in partition.users.due(10**9)]
    by_user: dict[str, list[StepUp]] = {}
    for each in found:
        by_user.setdefault(each.subject_ref, []).append(each)
    return by_user


@settings(max_examples=300, deadline=None)
@given(STEPS, CUTS, st.lists(st.integers(1, 40), max_size=6))
def test_what_each_user_is_told_does_not_depend_on_cuts_and_losses(
    steps: list[Step], cuts: list[int], lost: list[int]
) -> None:
    """On and off alternate, each on record with its off record, and off says when it ended."""
    log = log_of(steps)
    expected = _whole(log, [], [])
    assert _whole(log, cuts, lost) == expected
    for told in expected.values():
        assert told[-1].state == "off"
        for one, next_ in pairwise(told):
            assert one.state == "on" or next_.state == "on"
            if next_.state == "off":
                assert (next_.since, next_.until) == (one.since, one.until)


@settings(max_examples=200, deadline=None)
@given(STEPS)
def test_it_is_rebuilt_from_the_records_that_it_caused(steps: list[Step]) -> None:
    """A new owner reads the compacted topic and holds what its predecessor held."""
    partition, log, rebuilt = Partition(), log_of(steps), Expiring()
    for n in range(len(log)):
        for each in partition.work(log, n, n + 1):
            rebuilt.read(f"acme/{each.subject_ref}".encode(), each)
    assert rebuilt.due(10**9) == partition.users.due(10**9)


def test_the_memory_is_bounded_by_the_users() -> None:
    """However often they are prolonged."""
    users = Expiring()
    for n in range(20_000):
        users.begin(n)
        users.put(b"acme/%d" % (n % 10), Mfa(control_id=CONTROL, since_ms=0, until_ms=n))
    assert len(users) == 10
    assert len(users._order) <= 1_024 + 1
