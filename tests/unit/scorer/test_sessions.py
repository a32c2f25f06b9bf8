"""Several attempts under one transaction id, as vendors publish them."""

from typing import Any

import msgspec
import pytest

from proofwatch.bus.records import Outgoing, Record
from proofwatch.detection.suspicions import suspicion
from proofwatch.events.codec import GUIDANCE, SUSPICION, TRANSACTION
from proofwatch.events.topics import GUIDANCE as GUIDANCE_TOPIC
from proofwatch.events.topics import SUSPICIONS, TRANSACTIONS, dead_letter_topic
from services.scorer.adapters.memory import MemorySubjects
from services.scorer.core.attempts import attempt_name, named
from services.scorer.core.conservation import BatchCounts
from services.scorer.explain.reproduce import reproduce
from tests.unit.scorer.samples import POLICY, START_MS, on, record, run, transaction, verdicts

LOW: dict[str, Any] = {"match_score": 0.6}
MINUTES_APART = [8, 65]


def session(count: int, minutes: float, **fields: Any) -> list[Record]:
    """`count` failing attempts of one person under one id."""
    made = [
        msgspec.structs.replace(transaction(0, at_s=60 * minutes * n, **LOW, **fields), match_score=0.6 + n / 100)
        for n in range(count)
    ]
    return [record(n, event) for n, event in enumerate(made)]


async def judged(records: list[Record], cuts: tuple[int, ...] = ()) -> tuple[list[Outgoing], list[BatchCounts]]:
    seen: list[BatchCounts] = []
    return await run(MemorySubjects(3600), records, cuts, observer=seen.append), seen


@pytest.mark.parametrize("minutes", MINUTES_APART)
@pytest.mark.parametrize("cuts", [(), (1, 2, 3, 4)])
async def test_the_third_failure_refers_although_all_have_one_id(minutes: float, cuts: tuple[int, ...]) -> None:
    """Within the horizon of duplicates and beyond it; nobody tries for ever, and nothing is refused."""
    outputs, seen = await judged(session(5, minutes), cuts)
    assert [v.decision for v in verdicts(outputs)] == ["retry", "retry", "refer", "refer", "refer"]
    assert sum(each.decided for each in seen) == 5
    assert on(dead_letter_topic(TRANSACTIONS), outputs) == []


@pytest.mark.parametrize("minutes", MINUTES_APART)
async def test_what_follows_from_an_attempt_is_taken_for_no_other(minutes: float) -> None:
    """Verdicts name the attempt from the second on, every id is of its own, and a second run gives the same bytes."""
    records = session(5, minutes, liveness_score=0.2)
    outputs, _ = await judged(records)
    said = verdicts(outputs)
    assert [v.attempt_id for v in said] == [
        None,
        *(attempt_name(TRANSACTION.decode(each.value)) for each in records[1:]),
    ]
    asked = [GUIDANCE.decode(value) for value in on(GUIDANCE_TOPIC, outputs)]
    assert [g.attempt_id for g in asked] == [v.attempt_id for v in said]
    raised = [SUSPICION.decode(value) for value in on(SUSPICIONS, outputs)]
    assert len({g.guidance_id for g in asked}) == len(asked) == 5
    assert len({s.suspicion_id for s in raised}) == len(raised) > 5
    assert len({header for out in outputs for header in out.headers if header[0] == "ce_id"}) == len(
        [out for out in outputs if out.headers]
    )
    assert (await judged(records, (2,)))[0] == outputs


@pytest.mark.parametrize("minutes", MINUTES_APART)
async def test_a_producer_that_repeats_itself_adds_nothing(minutes: float) -> None:
    """At-least-once: every attempt twice, and the first once more at the end, within the horizon or beyond it."""
    attempts = session(3, minutes)
    order = [attempts[0], attempts[0], attempts[1], attempts[0], attempts[1], attempts[2], attempts[1], attempts[2]]
    records = [
        each._replace(offset=n, timestamp_ms=max(before.timestamp_ms for before in order[: n + 1]))
        for n, each in enumerate(order)
    ]
    outputs, seen = await judged(records)
    assert [v.decision for v in verdicts(outputs)][:1] == ["retry"]
    failures = [v.basis.attempts_before.match for v in verdicts(outputs)]
    assert max(failures) <= 2
    (counts,) = seen
    assert counts.decided + counts.deduplicated + counts.dead_lettered == counts.consumed
    if minutes < 60:
        assert counts.dead_lettered == 0
        assert [v.decision for v in verdicts(outputs)] == ["retry", "retry", "refer"]


async def test_attempt_ids_are_told_on_and_tell_attempts_of_one_time_apart() -> None:
    """An upstream that gives the session's start as the time of all attempts names them."""
    events = [transaction(0, match_score=0.5 + n / 100, attempt_id=f"a{n}") for n in range(3)]
    outputs, _ = await judged([record(n, event) for n, event in enumerate(events)])
    assert [(v.decision, v.attempt_id) for v in verdicts(outputs)] == [
        ("retry", "a0"),
        ("retry", "a1"),
        ("refer", "a2"),
    ]


async def test_what_contradicts_is_still_refused() -> None:
    """Another subject's, an earlier or the same time, one attempt_id for two payloads."""
    first = transaction(0, at_s=60)
    wrong = [
        transaction(0, "other", at_s=90),
        transaction(0, at_s=60, match_score=0.96),
        transaction(0, at_s=30),
        transaction(1, attempt_id="a"),
        transaction(1, attempt_id="a", match_score=0.96, at_s=5),
    ]
    outputs, (counts,) = await judged([record(n, event, START_MS + 90_000) for n, event in enumerate([first, *wrong])])
    assert (counts.decided, counts.dead_lettered) == (2, 4)
    assert len(on(dead_letter_topic(TRANSACTIONS), outputs)) == 4


async def test_many_conflicts_of_one_subject_are_a_suspicion() -> None:
    """Each counts as a proof of the subject; the policy's limit of them (8 in 10 minutes) flags the user, once."""
    records = [record(n, transaction(0, match_score=0.9 + n / 1000), START_MS + n) for n in range(12)]
    outputs, (counts,) = await judged(records)
    assert (counts.decided, counts.dead_lettered) == (1, 11)
    (raised,) = [SUSPICION.decode(value) for value in on(SUSPICIONS, outputs)]
    assert (raised.reason, raised.subject_ref) == ("subject_velocity", "s")
    assert raised.evidence["count"] == 8
    again = await judged(records, (3, 5, 9))
    assert on(SUSPICIONS, again[0]) == on(SUSPICIONS, outputs)


async def test_the_verdict_on_a_further_attempt_is_reproduced() -> None:
    """From its own event and no other."""
    records = session(3, 8)
    outputs, _ = await judged(records)
    for mine, (said, value) in enumerate(zip(verdicts(outputs), on("biometrics.verdicts.v1", outputs), strict=True)):
        fits = [reproduce(TRANSACTION.decode(each.value), said, value, POLICY).reproduced for each in records]
        assert fits == [n == mine for n in range(3)]


def test_ids_of_the_first_attempt_are_those_of_the_transaction() -> None:
    """Nobody's ids change who gives every attempt a transaction of its own."""
    event = transaction(7)
    plain = suspicion(event, "subject_velocity", {}, "p").suspicion_id
    assert plain != suspicion(named(event), "subject_velocity", {}, "p").suspicion_id
