"""`proofwatch explain` reproduces what the scorer published, and shows where something else was published."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from proofwatch.bus.local.bus import LocalBus
from proofwatch.bus.records import Outgoing
from proofwatch.events import topics
from proofwatch.events.codec import POLICY, TRANSACTION, VERDICT
from proofwatch.events.rejected import Rejected
from proofwatch.events.types import Attempts, PolicyDocument, Transaction
from proofwatch.governance.documents import document_of
from proofwatch.governance.policy import Policy, load_policy
from proofwatch.runtime.clock import SimulatedClock
from services.cli import main
from services.scorer.adapters.memory import MemorySubjects
from services.scorer.core.compiled_policy import CompiledPolicy
from services.scorer.core.rules import judge
from services.scorer.core.step_up import with_step_up
from services.scorer.core.verdicts import verdict
from services.scorer.explain.command import best
from services.scorer.explain.reproduce import reproduce
from services.scorer.explain.search import NotFound, Published, Search, Unreadable
from tests.unit.scorer.backtests import NEW, OLD, START, lines
from tests.unit.scorer.backtests import transaction as event_of
from tests.unit.scorer.samples import on, record, run, transaction

FAILS: tuple[dict[str, Any], ...] = ({"match_score": 0.2}, {"liveness_score": 0.4})
PERSONAL = ("subject-of-somebody", "s3://imagery/1", "female")


def small_run() -> list[Transaction]:
    """Failures that persist, clearing accepts, missing scores, a repeat."""
    events = [
        transaction(
            n,
            f"s{n % 4}",
            60.0 * n,
            match_score=(0.95, 0.87, 0.2, None)[n % 4 if n % 3 else 0],
            liveness_score=(0.999, 0.4, None)[n % 3],
            segments={"country": "KE"} if n % 2 else None,
        )
        for n in range(60)
    ]
    failing = [transaction(60 + n, "bad", 4_000.0 + n, **FAILS[n % 2]) for n in range(8)]
    return [*events, events[59], *failing]


async def publish(events: list[Transaction], values: list[bytes], partitions: int = 1) -> LocalBus:
    bus = LocalBus(
        {topics.TRANSACTIONS: partitions, topics.VERDICTS: partitions, topics.POLICIES: 1}, SimulatedClock(0)
    )
    for event in events:
        await bus.publish([Outgoing(topics.TRANSACTIONS, key_of(event), TRANSACTION.encode(event), timestamp_ms=1_000)])
    for value in values:
        await bus.publish([Outgoing(topics.VERDICTS, key_of(VERDICT.decode(value)), value, timestamp_ms=1_000)])
    return bus


def key_of(event: Any) -> bytes:
    return f"{event.tenant}/{event.subject_ref}".encode()


@pytest.mark.parametrize("partitions", [1, 3])
async def test_every_verdict_of_a_run_is_found_and_reproduced(partitions: int) -> None:
    """With and without the subject; byte by byte what the scorer's stage published."""
    events = small_run()
    values = on(topics.VERDICTS, await run(MemorySubjects(10**6), [record(n, e) for n, e in enumerate(events)]))
    assert len(values) == 68
    bus = await publish(events, values, partitions)
    search, decisions = Search(bus), set()
    for value in values:
        of = VERDICT.decode(value)
        for subject in (None, of.subject_ref):
            published = await search.verdict(of.transaction_id, of.tenant, subject)
            assert published.value == value
            found = best(await search.events(of), published, OLD)
            assert found.reproduced
            assert found.trace.judgement.decision == of.decision
        decisions.add(of.decision)
    assert decisions == {"accept", "retry", "refer"}


async def test_the_verdict_on_a_transaction_that_was_put_right_is_reproduced_byte_by_byte() -> None:
    """Whoever reads the same bytes puts the same right: clamped score, cut model, dropped segment."""
    odd = {"match_score": 1.0000001, "device": {"model": "x" * 80}, "segments": {"country": "KE", "sex": ""}}
    value = msgspec.json.encode(msgspec.to_builtins(transaction(1)) | odd)
    (said,) = on(topics.VERDICTS, await run(MemorySubjects(10**6), [record(0, transaction(1))._replace(value=value)]))
    assert b'"match_score":1.0,' in said
    assert reproduce(TRANSACTION.decode(value), VERDICT.decode(said), said, OLD).reproduced


def published(policy: Policy = OLD, *, step_up: bool = False, **fields: Any) -> tuple[Transaction, bytes]:
    given: dict[str, Any] = {"segments": {"country": "KE", "sex": "female"}, "liveness_score": 0.4} | fields
    event = event_of(1, **given)
    compiled = CompiledPolicy.of(policy)
    before = Attempts(match=0, liveness=2)
    judgement = judge(event, compiled, before)
    return event, VERDICT.encode(
        verdict(event, with_step_up(judgement) if step_up else judgement, compiled.basis(before, 3, 4, step_up=step_up))
    )


def test_a_changed_byte_is_noticed_wherever_something_can_be_computed() -> None:
    """Every byte but those of the basis that are taken as recorded: it is unreadable, is another one, or differs."""
    event, value = published()
    begins = value.index(b'"controls_version"')
    recorded = set(range(begins, value.index(b'"match_threshold"'))) | set(
        range(value.index(b'"attempts_before"'), value.index(b"}}", value.index(b'"attempts_before"')))
    )
    noticed = 0
    for at in range(len(value)):
        changed = value[:at] + bytes([value[at] ^ 1]) + value[at + 1 :]
        try:
            of = VERDICT.decode(changed)
        except Rejected:
            noticed += 1
            continue
        if at in recorded:
            continue
        assert of.basis.policy_hash != OLD.hash or not reproduce(event, of, changed, OLD).reproduced, (at, changed)
        noticed += 1
    assert noticed > len(value) - len(recorded)
    assert reproduce(event, VERDICT.decode(value), value, OLD).reproduced


def test_a_verdict_of_a_release_that_did_not_say_who_was_referred_before_is_reproduced() -> None:
    """What it did not say is no difference; what it says wrongly is."""
    event, policy = transaction(1, liveness_score=0.4), load_policy()
    compiled = CompiledPolicy.of(policy)
    before = Attempts(match=0, liveness=policy.attempts.limit)
    basis = compiled.basis(before)
    assert basis.referred_before
    judged = judge(event, compiled, before)
    for said, holds in ((True, True), (None, True), (False, False)):
        told = verdict(event, judged, msgspec.structs.replace(basis, referred_before=said))
        assert reproduce(event, told, VERDICT.encode(told), policy).reproduced == holds
    assert compiled.basis(Attempts(match=2, liveness=2)).referred_before is None


def test_what_differs_is_named_with_both_values() -> None:
    """Field by field; another way of writing the same is told apart from another content."""
    event, value = published()
    changed = value.replace(b'"refer"', b'"retry"').replace(b'"liveness_threshold":0.995', b'"liveness_threshold":0.99')
    found = reproduce(event, VERDICT.decode(changed), changed, OLD)
    assert [tuple(each) for each in found.differences] == [
        ("$.basis.liveness_threshold", 0.99, 0.995),
        ("$.decision", "retry", "refer"),
    ]
    spaced = value.replace(b",", b", ", 1)
    found = reproduce(event, VERDICT.decode(spaced), spaced, OLD)
    assert (found.differences, found.bytes_differ, found.reproduced) == ((), True, False)


def test_step_up_and_withheld_segments_are_part_of_the_explanation() -> None:
    """The basis says that the user was under step-up; what a contract keeps back from the verdict is named."""
    event, value = published(step_up=True, liveness_score=0.999)
    found = reproduce(event, VERDICT.decode(value), value, OLD)
    assert found.reproduced
    assert (found.verdict.decision, found.verdict.action) == ("accept", "step_up_mfa")
    narrowed = msgspec.structs.replace(event, segments={"country": "KE"})
    value = VERDICT.encode(msgspec.structs.replace(found.verdict, segments=narrowed.segments))
    found = reproduce(event, VERDICT.decode(value), value, OLD)
    assert (found.reproduced, found.withheld) == (True, ("sex",))


def test_of_contradicting_events_the_one_that_was_judged_explains() -> None:
    """A conflicting duplicate never got a verdict, whichever comes first in the answer."""
    event, value = published()
    other = msgspec.structs.replace(event, liveness_score=0.999)
    given = Published(VERDICT.decode(value), value, "here")
    assert best([other, event], given, OLD).reproduced
    assert not best([other], given, OLD).reproduced


async def test_what_is_nowhere_is_said_to_be_nowhere() -> None:
    """Verdict, event and policy each; an unreadable verdict is another thing."""
    event, value = published()
    search = Search(await publish([], [value]))
    of = (await search.verdict("tx-1", None, None)).verdict
    with pytest.raises(NotFound, match="tx-2"):
        await search.verdict("tx-2", None, None)
    with pytest.raises(NotFound, match="tx-1"):
        await search.verdict("tx-1", "birch", None)
    with pytest.raises(NotFound, match="--event FILE"):
        await search.events(of)
    assert await search.policy(OLD.hash) is None
    bus = await publish([event], [])
    await bus.publish([Outgoing(topics.VERDICTS, key_of(event), value.replace(b'"refer"', b'"refuse"'))])
    with pytest.raises(Unreadable, match="tx-1"):
        await Search(bus).verdict("tx-1", "acme", event.subject_ref)


async def test_the_policy_comes_from_the_log_by_its_hash() -> None:
    """A document that is not what its key says is passed over."""
    bus = await publish([], [])
    document = document_of(NEW)
    for text in (b'{"name":"other"}', document.text):
        told = PolicyDocument(schema_version=1, policy_hash=document.hash, document=text.decode(), published_at=START)
        await bus.publish([Outgoing(topics.POLICIES, document.hash.encode(), POLICY.encode(told))])
    found = await Search(bus).policy(NEW.hash)
    assert found is not None
    assert (found.hash, found.match.threshold) == (NEW.hash, 0.9)


@pytest.fixture
def files(tmp_path: Path) -> list[str]:
    """An event and its verdict in files, as arguments."""
    event, value = published(subject="subject-of-somebody", imagery_ref="s3://imagery/1")
    other, another = published(subject="x", liveness_score=0.999)
    other = msgspec.structs.replace(other, transaction_id="tx-0")
    lines(tmp_path / "events.jsonl", [TRANSACTION.encode(other), TRANSACTION.encode(event)])
    lines(tmp_path / "verdicts.jsonl", [another.replace(b"tx-1", b"tx-0"), value])
    return ["explain", "tx-1", "--event", str(tmp_path / "events.jsonl"), "--verdict", str(tmp_path / "verdicts.jsonl")]


def test_offline_it_shows_checks_rules_and_basis(files: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 0; no personal data unless it is asked for, imagery never."""
    assert main(files) == 0
    said = capsys.readouterr().out
    for part in ("reproduced: yes", "Rule 9 applies: refer: fraud analyst review", "0.4 is below 0.995", OLD.hash,
                 "controls version 3", "patterns version 4", "step-up MFA: not in force"):  # fmt: skip
        assert part in said
    assert not [each for each in PERSONAL if each in said]
    assert main([*files, "--personal"]) == 0
    said = capsys.readouterr().out
    assert [each for each in PERSONAL if each in said] == ["subject-of-somebody", "female"]


def test_as_json_for_tools(files: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """The same, one document; no personal data either."""
    assert main([*files, "--json"]) == 0
    said = capsys.readouterr().out
    document = msgspec.json.decode(said)
    assert (document["reproduced"], document["decision"], document["differences"]) == (True, "refer", [])
    assert [row["rule"] for row in document["rules"] if row["applies"]] == [9]
    assert not [each for each in PERSONAL if each in said]


@pytest.mark.parametrize("personal", [True, False])
def test_another_verdict_than_published_gives_exit_code_1(
    files: list[str], personal: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    """Also then nobody's reference is shown unasked."""
    path = Path(files[-1])
    path.write_bytes(path.read_bytes().replace(b"subject-of-somebody", b"subject-of-nobody").replace(b"KE", b"IN"))
    assert main([*files, "--personal"] if personal else files) == 1
    said = capsys.readouterr().out
    assert "reproduced: no, 2 fields differ" in said
    assert ("subject-of-nobody" in said) is personal
    assert ("'IN'" in said) is personal


def test_what_is_not_found_gives_exit_code_2(files: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """Another transaction, another tenant, a policy that nobody has, a subject without its tenant."""
    assert main(["explain", "tx-9", *files[2:]]) == 2
    assert main([*files, "--tenant", "birch"]) == 2
    assert main([*files, "--subject", "x"]) == 2
    path = Path(files[-1])
    path.write_bytes(path.read_bytes().replace(OLD.hash.encode(), b"0" * 32))
    assert main(files) == 2
    said = capsys.readouterr().err
    assert all(part in said for part in ("'tx-9'", "--subject needs --tenant", f"policy {'0' * 32}"))


async def test_an_attempt_is_found_by_its_name_and_else_the_first() -> None:
    """Several verdicts on one transaction: `--attempt` picks one, each reproduced from its own event."""
    events = [transaction(0, at_s=60.0 * n, match_score=0.5 + n / 10) for n in range(3)]
    values = on(topics.VERDICTS, await run(MemorySubjects(10**6), [record(n, e) for n, e in enumerate(events)]))
    search = Search(await publish(events, values))
    for value in values:
        found = await search.verdict("tx-0", "acme", None, VERDICT.decode(value).attempt_id)
        assert found.value == value
        assert best(await search.events(found.verdict), found, OLD).reproduced
    with pytest.raises(NotFound):
        await search.verdict("tx-0", "acme", None, "no such attempt")
