"""An erasure on a real PostgreSQL: two people, every table, one receipt that names nobody."""

import msgspec
import pytest

from proofwatch.access.errors import NoSession, NotAllowed
from proofwatch.access.roles import Role
from proofwatch.audit.entry import Entry, Object, Outcome, leaf_of, person
from proofwatch.audit.pending import act
from proofwatch.bus.records import TopicPartition
from proofwatch.events import topics
from proofwatch.privacy.data_keys import Unreadable, opened, tag_of
from proofwatch.privacy.suppression import suppressed
from services.privacy.adapters.requests import ErasureRefused
from services.privacy.core.erasure import STEPS
from tests.integration.privacy.house import TENANT, Privacy, subject

SOMEBODY, OTHER = subject(), subject("other-77aa")


async def test_a_person_is_gone_and_the_receipt_names_nobody(privacy: Privacy) -> None:
    """Their key, tags, words, references; who asked and who approved; by when topics have forgotten."""
    mine, theirs = await privacy.lived(SOMEBODY), await privacy.lived(OTHER)
    done = await privacy.erase(SOMEBODY)
    assert (done.state, set(done.done)) == ("done", set(STEPS))

    entries = await privacy.of_privacy()
    assert [(each.action, each.actor.id) for each in entries] == [
        ("erasure.requested", privacy.ids["pia"]),
        ("erasure.approved", privacy.ids["paul"]),
        ("subject.erased", privacy.ids["paul"]),
    ]
    receipt = entries[-1]
    assert receipt.authority.second_person == privacy.ids["pia"]
    assert receipt.details == {
        "forgotten_by": "2026-06-08",
        "transactions": 1,
        "cases": 1,
        "case_reasons": 1,
        "imagery_references": 1,
        "imagery_leases": 1,
        "attempts": 1,
        "pattern_hits": 0,
        "consents": 1,
        "ledger_rows": 1,
        "left_house.messages": 0,
        "left_house.training_exports": 0,
        "left_house.training_exports_unended": 0,
        "tombstones": 12,
        "cache_keys": 0,
        "keys_destroyed": 1,
        "backups_readable_while_epoch": 1,
    }
    for each in entries:
        assert not any(word in leaf_of(each) for word in (b"canary", mine.encode(), SOMEBODY.mark.encode()))

    rows = await privacy.pool.fetch(
        "select subject_tag, tenant from triage.cases order by subject_tag = $1", OTHER.mark
    )
    assert rows[0]["subject_tag"] not in (SOMEBODY.mark, OTHER.mark)
    assert rows[1]["subject_tag"] == OTHER.mark
    for table, column in (
        ("imagery.flagged", "transaction_id"),
        ("ledger.transactions", "transaction_id"),
        ("imagery.leases", "transaction_id"),
        ("imagery.glass", "transaction_id"),
        ("triage.case_reasons", "transaction_id"),
        ("triage.attempts", "transaction_id"),
    ):
        found = {row[0] for row in await privacy.pool.fetch(f"select {column} from {table}")}  # noqa: S608 - ours
        assert theirs in found
        assert mine not in found
    assert await privacy.pool.fetchval("select count(*) from consents.words") == 1
    assert await privacy.pool.fetchval("select revoked_at from imagery.leases where transaction_id like 'erased-%'")
    assert await privacy.pool.fetchval("select count(*) from privacy.erasures where sealed is not null") == 0

    key = f"acme/{SOMEBODY.subject_ref}".encode()
    for topic in (topics.SUBJECTS, topics.CONSENTS):
        newest = {}
        for partition in range(2):
            async for record in privacy.bus.read(TopicPartition(topic, partition)):
                newest[partition, record.key] = record.value
        own = [value for (_, name), value in newest.items() if name is not None and name.startswith(key)]
        assert own
        assert not any(own)
    announced = [r for at in (0, 1) async for r in privacy.bus.read(TopicPartition(topics.ERASURES, at))]
    assert len(announced) == 1
    assert SOMEBODY.mark.encode() in (announced[0].value or b"")


async def test_what_was_sealed_before_opens_no_more_and_the_tag_belongs_to_nobody(privacy: Privacy) -> None:
    """The request names the person, sealed; their key opens it until it is destroyed, a new key of theirs does not."""
    whose = ("acme", SOMEBODY.mark)
    erasure = await privacy.ask(SOMEBODY)
    [request] = await privacy.of_privacy()
    key = (await privacy.data_keys.held(privacy.pool, {whose}))[whose]
    assert request.sealed is not None
    assert opened(key, request.sealed, request.entry_id) == b'{"subject_ref":"canary-5f1c"}'
    await privacy.approve(erasure)
    await privacy.erasing.run(erasure)
    assert await privacy.data_keys.held(privacy.pool, {whose}) == {}
    fresh = (await privacy.data_keys.held_or_made(privacy.pool, {whose}))[whose]
    assert tag_of(fresh) != tag_of(key)
    with pytest.raises(Unreadable):
        opened(fresh, request.sealed, request.entry_id)


async def test_two_people_are_needed_of_the_role_and_of_the_tenant(privacy: Privacy) -> None:
    """Nobody approves what they asked for; refused is not recorded as done; another tenant's is not there."""
    erasure = await privacy.ask(SOMEBODY)
    with pytest.raises(NotAllowed, match="who asked for an erasure does not approve it"):
        await privacy.requests.approve(privacy.tokens["pia"], erasure, privacy.now)
    ada, far = await privacy.person("ada", Role.ADMIN), await privacy.person("far", tenants=("elsewhere",))
    for token in (ada, far):
        with pytest.raises(NotAllowed, match="role privacy, and of the tenant"):
            await privacy.requests.approve(token, erasure, privacy.now)
    assert await privacy.requests.listed(far, privacy.now, ended=True) == []
    with pytest.raises(NoSession):
        await privacy.requests.approve("nobody", erasure, privacy.now)
    assert (await privacy.erasing.run(erasure)).state == "requested"
    with pytest.raises(ErasureRefused, match="is requested already"):
        await privacy.ask(SOMEBODY)
    await privacy.requests.withdraw(privacy.tokens["pia"], erasure, "a mistake", privacy.now)
    with pytest.raises(ErasureRefused, match="is withdrawn, not requested"):
        await privacy.approve(erasure)
    with pytest.raises(ErasureRefused, match="no erasure 'none'"):
        await privacy.approve("none")
    assert await privacy.pool.fetchval("select count(*) from privacy.erasures where sealed is not null") == 0


async def test_erased_once_more_is_as_good(privacy: Privacy) -> None:
    """Nothing is left to do, and that is on record; what happened by then is suppressed until the later one."""
    await privacy.lived(SOMEBODY)
    await privacy.erase(SOMEBODY)
    privacy.later(minutes=5)
    done = await privacy.erase(SOMEBODY)
    assert done.done["unlinked"]["cases"] == 0
    whose = ("acme", SOMEBODY.mark)
    assert (await suppressed(privacy.pool, {whose, ("acme", OTHER.mark)})) == {whose: privacy.now}


async def test_ledger_rows_count_the_same_and_are_nobodys(privacy: Privacy) -> None:
    """Scores, outcome, class, segments and day stay; the id, labels' ids and the exact moment go."""
    counted = """
        select tenant, policy_hash, decision, match_outcome, match_score, pair_class, segments,
               date_trunc('day', to_timestamp(occurred_us / 1e6)) as day, count(*)
        from ledger.transactions group by 1, 2, 3, 4, 5, 6, 7, 8 order by 1, 5, 8"""
    mine = await privacy.lived(SOMEBODY)
    await privacy.lived(OTHER)
    before = [tuple(row) for row in await privacy.pool.fetch(counted)]
    exact = await privacy.pool.fetchval("select occurred_us from ledger.transactions where transaction_id = $1", mine)
    await privacy.erase(SOMEBODY)
    assert [tuple(row) for row in await privacy.pool.fetch(counted)] == before
    row = await privacy.pool.fetchrow("select * from ledger.transactions where transaction_id like 'erased-%'")
    assert row["occurred_us"] % 900_000_000 == 0
    assert 0 <= exact - row["occurred_us"] < 900_000_000
    assert row["pair_label_id"] == "erased"
    assert not any("canary" in str(value) for value in row.values())


async def test_transactions_that_the_tenant_names_are_unlinked_too(privacy: Privacy) -> None:
    """Topics keep a week; the tenant knows which older ones were the person's."""
    old = "tx-of-years-ago"
    await privacy.pool.execute("insert into ledger.transactions(tenant, transaction_id) values('acme', $1)", old)
    done = await privacy.erase(SOMEBODY, old)
    assert done.done["unlinked"]["ledger_rows"] == 1
    assert await privacy.pool.fetchval("select count(*) from ledger.transactions where transaction_id = $1", old) == 0


async def test_the_receipt_counts_training_exports_that_were_let_through_and_never_ended(privacy: Privacy) -> None:
    """One was handed over, one failed, two died; another exit, another tenant and what was denied are none of them."""

    def asked(tenant: str = TENANT, exit_: str = "export training", outcome: Outcome = "granted") -> Entry:
        named = Object("exit", exit_)
        made = act("data.asked", person("p"), privacy.now, named, tenant=tenant, reason='"export training"')
        return msgspec.structs.replace(made, outcome=outcome)

    def ended(outcome: Outcome) -> Entry:
        about = Object("training_set", "set")
        return act("training.exported", person("p"), privacy.now, about, tenant=TENANT, outcome=outcome)

    log = [asked(), ended("done"), asked(), ended("failed"), asked(), asked()]
    log += [asked("other"), asked(exit_="rates"), asked(outcome="denied")]
    for index, each in enumerate(log):
        row = index, each.entry_id, leaf_of(each), b"", privacy.now, each.tenant, "p", each.action, each.outcome
        await privacy.pool.execute("insert into audit.entries values($1, $2, $3, $4, $5, $6, $7, $8, $9)", *row)
    await privacy.erase(SOMEBODY)
    receipt = (await privacy.of_privacy())[-1]
    assert receipt.action == "subject.erased"
    assert receipt.details["left_house.training_exports"] == 1
    assert receipt.details["left_house.training_exports_unended"] == 2
