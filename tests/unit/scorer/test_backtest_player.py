"""A player says what the product would have said: the same attempts, the same duplicates, with bounded memory."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proofwatch.bus.records import Outgoing
from proofwatch.events.types import Transaction
from proofwatch.governance.policy import Policy
from services.scorer.adapters.memory import MemorySubjects
from services.scorer.backtest.arrivals import Arrival
from services.scorer.backtest.player import LAG_MS, RULED, Counting, Fading, Recorded, counting
from services.scorer.core.attempts import History
from services.scorer.core.compiled_policy import CompiledPolicy
from services.scorer.core.duplicates import Recent, Seen
from services.scorer.core.judging import judge_with_history
from services.scorer.core.times import occurred_ms
from tests.unit.bus.stages import written
from tests.unit.scorer.backtests import NEW, OLD, arrivals, transaction
from tests.unit.scorer.samples import SOURCE, LogHistory, batch, record, stage, verdicts


def say(player: Counting | Recorded, arrival: Arrival) -> tuple[str, str]:
    ruling = player.rule(arrival, arrival.event.occurred_at.timestamp() * 1000)
    return ruling.decision, ruling.action


def changed(policy: Policy, **changes: Any) -> Policy:
    return Policy.model_validate(policy.model_dump() | changes)


steps = st.lists(
    st.tuples(
        st.integers(0, 12),
        st.integers(0, 3),
        st.integers(0, 5_000),
        st.sampled_from([0.5, 0.95, None]),
        st.sampled_from([0.5, 0.999]),
    ),
    max_size=80,
)


def ascending(drawn: list[tuple[int, int, int, float | None, float]]) -> list[Arrival]:
    at_s, events = 0, list[tuple[Transaction, None]]()
    for number, subject, step_s, match, liveness in drawn:
        at_s += step_s
        event = transaction(number, f"s{subject}", at_s, match_score=match, liveness_score=liveness)
        events.append((event, None))
    return arrivals(events)


@settings(deadline=None)
@given(steps)
def test_it_says_what_the_core_says_with_everything_remembered(
    drawn: list[tuple[int, int, int, float | None, float]],
) -> None:
    """Forgetting and sharing change nothing: the core with whole histories, and the scorer's own duplicates."""
    compiled, recent, histories = (
        CompiledPolicy.of(OLD),
        Recent(CompiledPolicy.of(OLD).horizon_ms),
        dict[str, History](),
    )
    players = counting(OLD, OLD.with_thresholds(match=0.85))
    for arrival in ascending(drawn):
        event = arrival.event
        recent.begin(arrival.offset, arrival.timestamp_ms)
        ids = (event.tenant, event.transaction_id, event.attempt_id, arrival.key.encode(), arrival.value)
        seen = recent.see(arrival.timestamp_ms, occurred_ms(event), *ids, compiled.horizon_ms)
        expected: tuple[str, str]
        if seen in (Seen.FIRST, Seen.FURTHER):
            judged = judge_with_history(event, arrival.offset, histories.get(arrival.key, ()), compiled)
            histories[arrival.key] = judged.history
            expected = (judged.judgement.decision, judged.judgement.action)
        elif seen is Seen.REPEATED:
            expected = ("deduplicated", "none")
        else:
            expected = ("refused", "conflicting_duplicate")
        assert [say(player, arrival) for player in players] == [expected, expected]


@pytest.mark.parametrize(
    "policy", [OLD, NEW, changed(OLD, required_checks=["match"], attempts={"limit": 2, "window_hours": 1})]
)
async def test_it_says_what_the_scorer_publishes(policy: Policy) -> None:
    """The stage itself, on the same log: decision and action of every verdict, in order."""
    events = [
        transaction(
            n % 30 if n % 4 == 1 else n,
            f"s{n % 7}",
            90.0 * n,
            match_score=(0.95, 0.87, 0.2, None)[n % 4 if n % 3 else 0],
            liveness_score=0.4 if n % 7 == 6 else (0.999, 0.992, 0.4, None)[n % 5 % 4],
            checks=("liveness",),
        )
        for n in range(120)
    ]
    log = arrivals([(event, None) for event in events])
    scorer, outputs = stage(MemorySubjects(10**6), policy), list[Outgoing]()
    await scorer.opened(SOURCE, 0, LogHistory([], 0))
    records = [record(a.offset, a.event) for a in log]
    for at in range(0, len(records), 11):
        outputs += written(await scorer.step(batch(records[at : at + 11], at), None), SOURCE, "scorer")
    player = Counting(policy)
    said = [say(player, arrival) for arrival in log]
    assert [(v.decision, v.action) for v in verdicts(outputs)] == [s for s in said if s[0] in RULED]
    assert {decision for decision, _ in said} >= {"accept", "retry", "refer", "refused"}


def test_each_policy_has_its_own_horizon_and_patience() -> None:
    """A repeat after half an hour, and a clock ten minutes ahead, are taken by one policy and not by the other."""
    strict = changed(OLD, duplicate_horizon_minutes=10, max_ahead_seconds=3_600)
    players = counting(OLD, strict)
    (first,) = arrivals([(transaction(1), None)])
    again = Arrival(1, first.timestamp_ms + 1_800_000, first.key, first.value, first.event, None)
    ahead = arrivals([(transaction(2, at_s=1_800 + 600), None)])[0]
    ahead = Arrival(2, first.timestamp_ms + 1_800_000, ahead.key, ahead.value, ahead.event, None)
    assert [say(player, first)[0] for player in players] == ["accept", "accept"]
    assert [say(player, again)[0] for player in players] == ["deduplicated", "accept"]
    assert [say(player, ahead)[0] for player in players] == ["refused", "accept"]


def test_another_partition_begins_with_nothing() -> None:
    """Subjects and repeats of one partition say nothing about another."""
    player = Counting(OLD)
    failing = arrivals([(transaction(n, "z", n, match_score=0.1), None) for n in range(3)])
    assert [say(player, each)[1] for each in failing] == ["reupload_document", "retake_selfie", "manual_kyc_review"]
    player.forget()
    assert say(player, failing[2])[1] == "reupload_document"


def test_memory_is_bounded_by_the_windows() -> None:
    """Failing subjects and seen transactions are forgotten, at the latest after twice the time they matter."""
    player = Counting(OLD)
    kept_ms = CompiledPolicy.of(OLD).window_ms + LAG_MS
    count, step_s = 400, kept_ms // 1000 // 20
    log = arrivals([(transaction(n, at_s=n * step_s, match_score=0.1), None) for n in range(count)])
    for arrival in log:
        say(player, arrival)
        assert len(player._histories) <= 2 * 20 + 2


def test_without_subjects_referrals_stand_as_recorded() -> None:
    """Who was referred had failures that persisted; who fails under this policy alone fails for the first time."""
    player = Recorded(OLD)
    log = arrivals(
        [
            (transaction(1, match_score=0.1), None),
            (transaction(2, liveness_score=0.1), None),
            (transaction(3, liveness_score=0.1), None),
            (transaction(4), None),
        ]
    )
    recorded = ["refer", "refer", "accept", "refer"]
    told = [
        Arrival(a.offset, a.timestamp_ms, a.key, a.value, a.event, None, decision)
        for a, decision in zip(log, recorded, strict=True)
    ]
    assert [say(player, each) for each in told] == [
        ("refer", "manual_kyc_review"),
        ("refer", "fraud_analyst_review"),
        ("retry", "retake_selfie"),
        ("accept", "none"),
    ]


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 5), st.booleans()), max_size=60))
def test_what_fades_is_kept_long_enough_and_not_much_longer(drawn: list[tuple[int, int, bool]]) -> None:
    """An entry that was put within the time is there, one that was put twice the time ago is not."""
    fading, truth, now = Fading[int, int](50), dict[int, tuple[int, int | None]](), 0
    for step, key, remove in drawn:
        now += step
        found = fading.get(now, key)
        put_at, value = truth.get(key, (-1_000, None))
        if now - put_at < 50:
            assert found == value
        elif now - put_at >= 100:
            assert found is None
        fading.put(key, None if remove else now)
        truth[key] = (now, None if remove else now)
