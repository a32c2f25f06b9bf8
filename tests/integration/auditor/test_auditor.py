"""From an act to a published checkpoint, on a real PostgreSQL: nothing lost, nothing twice, nothing signed twice."""

import asyncio
from pathlib import Path

import pytest

from proofwatch.audit import export
from proofwatch.audit.checkpoint import Checkpoint
from proofwatch.audit.entry import KEY_ADDED, entry_of
from proofwatch.audit.note import Note
from proofwatch.audit.policy import parse_policy
from proofwatch.audit.verify import Trust
from proofwatch.bus.errors import BusUnavailable, Halted
from services.auditor.app import InvalidAuditor, build
from services.auditor.config import Settings
from services.auditor.handlers.auditor import LogWentBack
from tests.integration.auditor.conftest import Audited, a_witness
from tests.unit.audit.a_log import LOG_KEY, NEXT_KEY, ORIGIN, WITNESSES, an_entry, key, verifiers


async def test_what_was_entered_is_in_a_checkpoint_that_has_left(audited: Audited) -> None:
    auditor = await audited.auditor()
    await audited.act(1, 4)
    assert await auditor.step() == 3
    assert await audited.pool.fetchval("select count(*) from audit.pending") == 0
    first, second = await audited.published()
    assert (first.size, second.size, second.checkpoint_index, second.origin) == (1, 4, 1, ORIGIN)
    note = Note.parse(second.note.encode())
    assert note.signers(verifiers(LOG_KEY)) == verifiers(LOG_KEY)
    found = await audited.verdict()
    assert (found.state, found.entries) == ("CONSISTENT, UNWITNESSED", 4)
    assert (audited.folder / "checkpoints.jsonl").read_bytes() == (
        audited.folder / "export" / export.CHECKPOINTS
    ).read_bytes()


async def test_looking_where_nothing_waits_writes_nothing_until_the_lease_is_to_be_renewed(audited: Audited) -> None:
    auditor = await audited.auditor(audit_lease_seconds=2)
    await audited.act(1, 2)
    assert await auditor.step() == 1
    row = "select xmin::text, held_until from audit.log"
    before = await audited.pool.fetchrow(row)
    assert await auditor.step() == 0
    assert await audited.pool.fetchrow(row) == before
    await asyncio.sleep(0.6)
    assert await auditor.step() == 0
    assert (await audited.pool.fetchrow(row))["held_until"] > before["held_until"]
    await audited.act(2, 3)
    assert await auditor.step() == 1
    assert len(await audited.published()) == 3


async def test_what_could_not_leave_leaves_though_nothing_else_comes(
    audited: Audited, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(records: object) -> None:
        raise BusUnavailable("Kafka does not answer")

    auditor = await audited.auditor()
    await auditor.step()
    await audited.act(1, 2)
    with monkeypatch.context() as patch:
        patch.setattr(audited.bus, "publish", away)
        with pytest.raises(BusUnavailable):
            await auditor.step()
    assert not await audited.pool.fetchval("select exists(select from audit.pending)"), "it has its place"
    assert [each.size for each in await audited.published()] == [1]
    assert await auditor.step() == 0
    assert [each.size for each in await audited.published()] == [1, 2]


async def test_an_act_that_is_undone_leaves_no_entry(audited: Audited) -> None:
    auditor = await audited.auditor()
    with pytest.raises(ZeroDivisionError):
        await undone(audited)
    assert await auditor.step() == 0
    assert await audited.size() == 1


async def undone(audited: Audited) -> None:
    from proofwatch.audit.pending import enter

    async with audited.pool.acquire() as connection, connection.transaction():
        await enter(connection, an_entry(1))
        raise ZeroDivisionError


async def test_an_entry_that_is_entered_again_stands_once(audited: Audited) -> None:
    auditor = await audited.auditor()
    await audited.enter(an_entry(1), an_entry(1))
    await auditor.step()
    await audited.enter(an_entry(1), an_entry(2))
    assert await auditor.step() == 1
    assert await audited.size() == 3


async def test_what_is_no_entry_is_set_apart_and_said(audited: Audited) -> None:
    auditor = await audited.auditor()
    await audited.pool.execute("insert into audit.pending(entry) values ($1)", b'{"version":1}')
    await audited.act(1, 2)
    assert await auditor.step() == 2
    (refused,) = await audited.pool.fetch("select entry, reason from audit.refused")
    assert refused["entry"] == b'{"version":1}'
    assert "missing required field" in refused["reason"]
    leaves = await audited.pool.fetch("select leaf from audit.entries order by index")
    assert [entry_of(row["leaf"]).action for row in leaves] == ["log.begun", "log.entry_refused", "imagery.viewed"]
    assert (await audited.verdict()).state == "CONSISTENT, UNWITNESSED"


async def test_a_clock_that_is_set_back_moves_no_time_back(audited: Audited) -> None:
    auditor = await audited.auditor()
    await audited.act(1, 2)
    await auditor.step()
    before = audited.clock.now_ms()
    audited.clock._now_ms = before - 3_600_000  # as an operator would
    await audited.enter(an_entry(2))
    await auditor.step()
    times = [row[0] for row in await audited.pool.fetch("select logged_at from audit.entries order by index")]
    assert times == sorted(times)
    assert (await audited.verdict()).state == "CONSISTENT, UNWITNESSED"


async def test_a_second_auditor_waits_and_goes_on_when_the_first_is_silent(audited: Audited) -> None:
    first = await audited.auditor(instance="a", audit_lease_seconds=2)
    second = await audited.auditor(instance="b", audit_lease_seconds=2)
    await audited.act(1, 3)
    assert await second.step() == 0
    assert second.unready() == ["the auditor a has the log; this one goes on when that one is silent"]
    assert await first.step() == 2
    await asyncio.sleep(2.2)
    await audited.act(3, 4)
    assert await second.step() == 1
    assert await first.step() == 0
    assert first.unready() == ["another auditor has taken the log over"]
    assert (await audited.verdict()).entries == 4


async def test_what_was_signed_and_did_not_leave_leaves_after_a_restart(audited: Audited) -> None:
    auditor = await audited.auditor()
    await audited.act(1, 3)
    await auditor.step()
    await audited.pool.execute("update audit.checkpoints set published_at = null where checkpoint_index = 1")
    await audited.auditor()
    assert [each.size for each in await audited.published()] == [1, 3, 3]
    assert await audited.pool.fetchval("select count(*) from audit.checkpoints where published_at is null") == 0
    assert (await audited.verdict()).state == "CONSISTENT, UNWITNESSED"


async def test_a_line_that_a_crash_cut_off_is_written_anew(audited: Audited) -> None:
    auditor = await audited.auditor()
    with audited.file.open("ab") as file:
        file.write(b'{"index":1,"note":"aud')
    await audited.act(1, 2)
    await auditor.step()
    lines = audited.file.read_bytes().splitlines()
    assert [export.note_of_line(each)[0] for each in lines] == [0, 1]


async def test_a_database_that_was_restored_to_before_is_signed_no_more(audited: Audited) -> None:
    auditor = await audited.auditor()
    await audited.act(1, 3)
    await auditor.step()
    await back_to(audited, 1)
    with pytest.raises(LogWentBack, match=r"the file .* has a checkpoint of 3 entries, and the database has 1"):
        await audited.auditor()
    audited.file.unlink()
    with pytest.raises(LogWentBack, match=r"the topic audit\.checkpoints\.v1 has a checkpoint of 3 entries"):
        await audited.auditor()


async def back_to(audited: Audited, size: int) -> None:
    """Do what restoring a backup does."""
    async with audited.pool.acquire() as connection, connection.transaction():
        await connection.execute("delete from audit.cosignatures")
        await connection.execute("delete from audit.checkpoints where size > $1", size)
        await connection.execute("delete from audit.entries where index >= $1", size)
        await connection.execute("delete from audit.nodes where (index + 1) << level > $1", size)
        hashes = [row[0] for row in await connection.fetch("select leaf_hash from audit.entries order by index")]
        assert size == 1
        await connection.execute("update audit.log set size = $1, hashes = $2", size, hashes)


async def test_entries_that_were_changed_are_signed_no_more(audited: Audited) -> None:
    auditor = await audited.auditor()
    await audited.act(1, 3)
    await auditor.step()
    await audited.pool.execute("update audit.entries set leaf_hash = $1 where index = 2", bytes(32))
    with pytest.raises(LogWentBack, match="has another root for 3 entries than the database"):
        await audited.auditor()


async def test_keys_are_replaced_with_both_signing_in_between(audited: Audited) -> None:
    await (await audited.auditor()).stop()
    with pytest.raises(Halted, match=r"the log signs with audit\.example/proofwatch\+.* too: configure it"):
        await audited.auditor(NEXT_KEY)
    both = await audited.auditor(LOG_KEY, NEXT_KEY)
    await audited.act(1, 2)
    await both.step()
    old = LOG_KEY.verifier.id.digest.hex()
    after = await audited.auditor(NEXT_KEY, audit_retire_key=old)
    await audited.act(2, 3)
    await after.step()
    actions = [row[0] for row in await audited.pool.fetch("select action from audit.entries order by index")]
    assert actions == ["log.begun", KEY_ADDED, "imagery.viewed", "log.key_retired", "imagery.viewed"]
    for trusted in (LOG_KEY, NEXT_KEY):
        found = await audited.verdict(Trust(verifiers(trusted)), trusted.verifier.id.digest.hex())
        assert found.state == "CONSISTENT, UNWITNESSED"
    with pytest.raises(Halted, match="the log has no key 00000000"):
        await audited.auditor(NEXT_KEY, audit_retire_key="00000000")


async def test_witnesses_cosign_what_has_left(audited: Audited, tmp_path: Path) -> None:
    with a_witness(tmp_path / "seen.json") as url, a_witness(tmp_path / "seen-1.json", place=1) as other:
        policy = tmp_path / "policy"
        policy.write_text(
            f"witness w0 {WITNESSES[0].verifier.text()} {url}\nwitness w1 {WITNESSES[1].verifier.text()} {other}\n"
            "group both all w0 w1\nquorum both\n"
        )
        auditor = await audited.auditor(audit_witness_policy_file=policy)
        for first in (1, 3, 8):
            await audited.act(first, first + 2)
            await auditor.step()
        again = await audited.auditor(audit_witness_policy_file=policy)  # it has forgotten how far they are
        await audited.act(20, 21)
        await again.step()
    trust = Trust(verifiers(LOG_KEY), policy=parse_policy(policy.read_text()))
    found = await audited.verdict(trust, witnesses=tuple(verifiers(*WITNESSES[:2])))
    assert (found.state, found.entries, len(found.cosigned)) == ("WITNESSED", 8, 2)
    topic = Note.parse((await audited.published())[-1].note.encode())
    assert topic.signers(verifiers(LOG_KEY))
    assert Checkpoint.parse(topic.text).size == 8


async def test_a_witness_that_has_seen_more_ends_the_signing(audited: Audited, tmp_path: Path) -> None:
    with a_witness(tmp_path / "seen.json") as url:
        policy = tmp_path / "policy"
        policy.write_text(f"witness w0 {WITNESSES[0].verifier.text()} {url}\nquorum w0\n")
        auditor = await audited.auditor(audit_witness_policy_file=policy)
        await audited.act(1, 3)
        await auditor.step()
        await back_to(audited, 1)
        audited.file.unlink()
        audited.bus = audited.new_bus()
        after = await audited.auditor(audit_witness_policy_file=policy)
        with pytest.raises(Halted, match="has cosigned 3 entries, and the log has 1"):
            await after.step()


async def test_a_witness_that_is_away_makes_nobody_wait(audited: Audited, tmp_path: Path) -> None:
    policy = tmp_path / "policy"
    policy.write_text(f"witness w0 {WITNESSES[0].verifier.text()} http://127.0.0.1:9\nquorum w0\n")
    auditor = await audited.auditor(audit_witness_policy_file=policy)
    await audited.act(1, 3)
    assert await auditor.step() == 2
    assert auditor.unready() == []


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ("", "there is no signing key"),
        ("nonsense", "a signing key is written PRIVATE"),
        (WITNESSES[0].text(), "a key of a witness signs no log"),
    ],
)
async def test_keys_that_cannot_be_used_stop_the_start(audited: Audited, keys: str, message: str) -> None:
    with pytest.raises(InvalidAuditor, match=message):
        build(Settings(audit_signing_keys=keys), audited.bus, audited.pool, audited.clock)


async def test_keys_of_two_logs_stop_the_start(audited: Audited) -> None:
    with pytest.raises(Halted, match="every signing key has the log's origin as its name"):
        await audited.auditor(LOG_KEY, key("audit.example/other"))


async def test_a_part_can_be_exported_and_checked(audited: Audited) -> None:
    auditor = await audited.auditor()
    for first in range(1, 11, 2):
        await audited.act(first, first + 2)
        await auditor.step()
    for begin, end in ((0, 5), (4, 9), (7, 11), (11, 11)):
        found = await audited.verdict(name=f"{begin}-{end}", begin=begin, end=end)
        assert (found.state, found.entries) == ("CONSISTENT, UNWITNESSED", end - begin), found


async def test_two_thousand_entries_at_once(audited: Audited) -> None:
    auditor = await audited.auditor(audit_batch_entries=700)
    await audited.enter(*map(an_entry, range(1, 2001)))
    worked = [await auditor.step() for _ in range(4)]
    assert worked == [700, 700, 600, 0]
    assert (await audited.verdict()).entries == 2001
