"""What somebody who took over one process's role in the database tries on the others, on a real PostgreSQL.

Each of these was tried by hand first. What a role may do by its nature (triage assigns its cases) is not excluded here.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Final

import asyncpg
import msgspec
import pytest
from msgspec.structs import replace

from proofwatch.access.errors import AccessDenied
from proofwatch.access.register import PostgresRegister
from proofwatch.access.roles import Role
from proofwatch.audit.entry import BEGUN, KEY_ADDED, KEY_RETIRED, Actor, Entry, Object, entry_of, leaf_of
from proofwatch.audit.pending import act
from proofwatch.bus.errors import DatabaseAway
from proofwatch.bus.postgres import holders
from proofwatch.bus.postgres.pool import create_pool
from proofwatch.bus.records import Record
from proofwatch.events import topics
from proofwatch.events.codec import ACTIVATION
from proofwatch.events.types import Activation
from proofwatch.instants import instant_of
from proofwatch.privacy.key_encryption import EpochKeys
from proofwatch.privacy.postgres_keys import PostgresKeys
from services.auditor.core.acts import entry_of_record
from services.auditor.core.sequencing import renamed
from services.operations.access import PROCESSES
from services.privacy.adapters.requests import About, PostgresRequests
from services.privacy.adapters.steps import PostgresSteps
from tests.integration.access.house import BY, PASSWORD, House, make_passwords_cheap
from tests.integration.auditor.conftest import LOG_MS, Audited
from tests.integration.operations.test_least_privilege import dsns, fetched
from tests.integration.privacy.house import KEYS, subject
from tests.support.postgres_roles import executed
from tests.unit.audit.a_log import LOG_KEY, NEXT_KEY, ORIGIN, an_entry

__all__ = ["dsns"]
ENTERS: Final = "insert into audit.pending(entry) values ($1)"
ROLES: Final = tuple(name for name, each in PROCESSES.items() if each.on_postgres())
EVERYBODY_BUT: Final = {
    "auditor": (
        "select * from audit.pending",
        "delete from audit.pending",
        "update audit.pending set entry = ''",
        "truncate audit.pending",
        "update audit.log set size = 0",
        "delete from audit.entries",
        "insert into audit.checkpoints(checkpoint_index, size, note) values (9, 9, '')",
    ),
    "imagery": (
        "insert into imagery.leases(lease_id) values ('forged')",
        "update imagery.leases set expires_at = 'infinity', views_left = 1000, revoked_at = null",
        "update imagery.glass set agreed_at = now(), second_person = 'nobody'",
        "update imagery.flagged set imagery_ref = 's3://elsewhere/x'",
        "update imagery.clock set last_seen_at = to_timestamp(0)",
        "delete from imagery.views",
    ),
    "privacy": (
        "update privacy.holds set lifted_at = now(), lifted_by = 'me'",
        "insert into privacy.erasures(erasure_id) values ('forged')",
        "delete from privacy.suppressed",
        "select * from privacy.keys",
        "delete from privacy.keys",
        "update privacy.tagging set moved_at = null",
        "select * from consents.forget('acme', '{}')",
        "select * from ledger.ids_of('acme', '', 1)",
    ),
    "triage": (
        "update triage.assignments set person_id = 'me'",
        "insert into triage.assignments(case_id, person_id) values ('c', 'me')",
        "update triage.cases set state = 'closed'",
    ),
    "consents": ("update consents.words set granted = true",),
    "people": (
        "insert into access.people(person_id, name, roles, added_at) values ('x', 'x', '{admin}', now())",
        "update access.people set roles = '{admin}'",
        "update access.people set tenants = null",
        "update access.people set revoked_at = null",
        "delete from access.people",
    ),
}
"""By role: what it alone may do of this."""
AT_THE_DESK: Final = (
    "insert into triage.assignments(case_id, person_id) values ('c', 'me')",
    "update triage.cases set state = 'closed'",
)
"""What people do at the console is this."""


async def as_role(dsns: Mapping[str, str], role: str, query: str, *arguments: object) -> None:
    connection = await asyncpg.connect(dsns[role])
    try:
        await connection.execute(query, *arguments)
    finally:
        await connection.close()


@pytest.fixture
async def audited(dsns: Mapping[str, str], tmp_path: Path) -> AsyncIterator[Audited]:
    """An empty log and an auditor with the rights of its role."""
    await executed(
        dsns["superuser"],
        "truncate audit.pending, audit.entries, audit.nodes, audit.cosignatures, audit.checkpoints, audit.refused; "
        "update audit.log set size = 0, hashes = '{}', logged_at = null, holder = '', held_until = '-infinity'",
    )
    pool = await create_pool(dsns["auditor"])
    running = Audited(pool, tmp_path)
    yield running
    for each in running.running:
        await each.stop()
    await pool.close()


async def logged(audited: Audited) -> list[Entry]:
    return [entry_of(row[0]) for row in await audited.pool.fetch("select leaf from audit.entries order by index")]


@pytest.mark.parametrize("whose", sorted(EVERYBODY_BUT))
@pytest.mark.parametrize("role", ROLES)
async def test_no_role_reads_or_changes_what_is_anothers(dsns: Mapping[str, str], role: str, whose: str) -> None:
    for statement in EVERYBODY_BUT[whose] if role != whose else ():
        if statement.startswith("select") and role in ("imagery", "privacy", "audit-reader") and "audit" in statement:
            continue  # they read the log
        if role == "console" and statement in AT_THE_DESK:
            continue
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await executed(dsns[role], statement)


async def test_what_decides_whose_signatures_count_is_entered_by_the_auditor_alone(
    dsns: Mapping[str, str], audited: Audited
) -> None:
    """Every role may enter; a key that any of them adds, or retires, would take the log over, or end it for good."""
    auditor = await audited.auditor()
    forged = {KEY_ADDED: NEXT_KEY, KEY_RETIRED: LOG_KEY, BEGUN: NEXT_KEY}
    for action, key in forged.items():
        made = act(
            action,
            Actor("service", "auditor"),
            instant_of(LOG_MS),
            Object("log", ORIGIN),
            details={"key": key.verifier.text()},
        )
        await as_role(dsns, "statistics", ENTERS, leaf_of(made))
    await audited.act(1, 3)
    assert await auditor.step() == 5
    assert (await audited.verdict()).state == "CONSISTENT, UNWITNESSED"
    said = [each.action for each in await logged(audited)]
    assert said == [BEGUN, *(["log.entry_refused"] * 3), "imagery.viewed", "imagery.viewed"]
    reasons = await audited.pool.fetch("select reason from audit.refused order by pending_id")
    assert {row[0] for row in reasons} == {f"{action} is entered by the auditor alone" for action in forged}
    await auditor.stop()
    audited.running.clear()
    again = await audited.auditor(instance="a")
    await audited.act(3, 4)
    assert await again.step() == 1


async def test_an_entry_that_no_table_can_hold_does_not_stop_the_log(dsns: Mapping[str, str], audited: Audited) -> None:
    auditor = await audited.auditor()
    for changed in ({"entry_id": "a\0b"}, {"tenant": "a\0b"}, {"actor": Actor("service", "a\0b")}):
        await as_role(dsns, "statistics", ENTERS, leaf_of_anything(replace(an_entry(1), **changed)))
    await audited.act(2, 3)
    assert await auditor.step() == 4
    assert [each.action for each in await logged(audited)][-1] == "imagery.viewed"
    assert (await audited.verdict()).state == "CONSISTENT, UNWITNESSED"


def leaf_of_anything(entry: Entry) -> bytes:
    """The leaf as an attacker writes it, who asks nobody whether it may be."""
    return msgspec.json.encode(entry)


async def test_nobody_chooses_the_place_of_a_row_or_floods_the_log(dsns: Mapping[str, str], audited: Audited) -> None:
    """A number that comes next would take it from whoever acts next; one that was refused before would stop the log."""
    for role in ROLES:
        if role == "auditor":
            continue
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await as_role(
                dsns,
                role,
                "insert into audit.pending(pending_id, entry) overriding system value values (7, $1)",
                leaf_of(an_entry(1)),
            )
    with pytest.raises(asyncpg.CheckViolationError):
        await as_role(dsns, "statistics", ENTERS, bytes(1_000_000))


async def test_the_auditors_own_ids_are_taken_by_nobody(dsns: Mapping[str, str], audited: Audited) -> None:
    """Who took the id by which a refusal, or the end of a key, is entered would stop the log at that moment."""
    auditor = await audited.auditor(LOG_KEY, NEXT_KEY)
    retiring = LOG_KEY.verifier.text().split("+")[1]
    last = await audited.pool.fetchval("select coalesce(max(pending_id), 0) from audit.refused")
    for taken in (f"{KEY_RETIRED}-{retiring}", *(f"refused-{last + ahead}" for ahead in range(1, 30))):
        await as_role(dsns, "statistics", ENTERS, leaf_of(replace(an_entry(1), entry_id=taken)))
    await auditor.step()
    await as_role(dsns, "statistics", ENTERS, b"no entry")
    await auditor.step()
    await auditor.stop()
    audited.running.clear()
    await audited.auditor(LOG_KEY, NEXT_KEY, audit_retire_key=retiring)
    assert (await logged(audited))[-1].action == KEY_RETIRED


async def test_an_id_that_somebody_took_beforehand_hides_no_act(dsns: Mapping[str, str], audited: Audited) -> None:
    """The id of a record's entry follows from the record: its author knows it before anybody reads it."""
    auditor = await audited.auditor()
    activation = Activation(
        schema_version=1,
        document_kind="policy",
        document_hash="a" * 32,
        scope="acme",
        mode="live",
        effective_from=instant_of(LOG_MS),
        published_at=instant_of(LOG_MS),
        key_id="a" * 16,
        signature="A" * 86 + "==",
    )
    record = Record(0, LOG_MS, b"acme", ACTIVATION.encode(activation))
    true = entry_of_record(topics.ACTIVATIONS, record, ACTIVATION.decode)
    assert true.action == "policy.activated"
    decoy = replace(an_entry(1), entry_id=true.entry_id, action="access.signed_out")
    for each in (decoy, replace(decoy, entry_id=renamed(true).entry_id)):
        await as_role(dsns, "governance", ENTERS, leaf_of(each))
    await auditor.step()
    for _ in range(2):  # a record that is read again is one entry still
        await audited.enter(true)
        await auditor.step()
    said = [each.action for each in await logged(audited)]
    doubted = ["access.signed_out", "log.entry_doubted"]
    assert said == [BEGUN, *doubted, *doubted, "policy.activated"]
    assert (await audited.verdict()).state == "CONSISTENT, UNWITNESSED"


async def test_an_entry_that_is_not_a_roles_to_make_is_doubted_and_its_own_is_not(
    dsns: Mapping[str, str], audited: Audited
) -> None:
    """A false receipt of an erasure, a view that never was: the log says by which role it came. Nobody says another."""
    auditor = await audited.auditor()
    receipt = replace(an_entry(1), action="subject.erased", actor=Actor("service", "privacy"))
    for role, entry_id in (("statistics", "forged"), ("privacy", "true")):
        await as_role(dsns, role, ENTERS, leaf_of(replace(receipt, entry_id=entry_id)))
    named = "insert into audit.pending(entry, entered_by) values ($1, 'proofwatch-privacy')"
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await as_role(dsns, "statistics", named, leaf_of(replace(receipt, entry_id="named")))
    await auditor.step()
    _, forged, doubt, true = await logged(audited)
    assert (forged.entry_id, true.entry_id) == ("forged", "true")
    assert (doubt.action, doubt.actor, doubt.objects) == (
        "log.entry_doubted",
        Actor("service", "auditor"),
        (Object("entry", "forged"),),
    )
    assert doubt.details == {"entered_as": "proofwatch-statistics", "claimed_action": "subject.erased"}
    assert (await audited.verdict()).state == "CONSISTENT, UNWITNESSED"


async def test_only_who_writes_of_data_subjects_asks_for_their_keys(dsns: Mapping[str, str]) -> None:
    """A key in an epoch that never will be would keep everybody from wrapping another."""
    may = {"triage", "imagery", "consents", "privacy"}
    calls = {
        "select privacy.keep_keys('{acme}', '{0123456789abcdef0123456789abcdef}', '{k}', '{2000000000}', '{a}')": may,
        "select * from privacy.keys_of('{}', '{}')": may,
        "select * from privacy.tag_keys_of('{}', '{}')": {*may, "fraud"},
        "select * from privacy.suppressed_of('{}', '{}')": {*may, "ledger"},
        "select * from privacy.latest_erasures('{}')": {"ledger"},
        "select privacy.suppress_late('{}', '{}', '{}')": {"ledger"},
    }
    for call, allowed in calls.items():
        for role in ROLES:
            if role not in allowed:
                with pytest.raises(asyncpg.InsufficientPrivilegeError):
                    await executed(dsns[role], call)
            elif "keep_keys" not in call:
                await executed(dsns[role], call)


async def test_whoever_knows_a_sessions_id_moves_no_clock(dsns: Mapping[str, str], house: House) -> None:
    """Sessions' ids stand in the audit log. One that was seen in ten years would let nobody in until then."""
    await house.add("eve")
    await house.add("ada")
    token, opened = await house.sign_in("eve")
    for role in ROLES:
        await as_role(dsns, role, "select access.seen($1::text, '2036-01-01'::timestamptz)", opened.session_id)
    held = f"select * from access.held('{opened.session_id}')"  # noqa: S608 - an id of ours
    rows = await fetched(dsns["audit-reader"], held)
    assert "token_hash" not in rows[0].keys()  # noqa: SIM118 - a record's `in` asks for values
    house.later(seconds=20)
    assert await house.people.session_of(token, house.now)
    await house.sign_in("ada")
    with pytest.raises(AccessDenied):
        await house.people.sign_in("ada", PASSWORD, "000000", house.now)


@pytest.fixture
async def house(dsns: Mapping[str, str], monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[House]:
    """People of a register that works with the rights of its role alone."""
    make_passwords_cheap(monkeypatch)
    pool = await create_pool(dsns["people"], max_size=2)
    made = House(pool)
    yield made
    await pool.close()
    await executed(dsns["superuser"], "truncate access.people, access.sessions, access.attempts cascade")


@asynccontextmanager
async def holding(dsn: str, *statements: str) -> AsyncIterator["asyncpg.Connection"]:
    """Somebody who took a role over, set its limits back, holds something and does not let go."""
    attacker = await asyncpg.connect(dsn, server_settings={"application_name": "psql"})
    try:
        await attacker.execute("set idle_in_transaction_session_timeout = 0; set lock_timeout = 0; begin")
        for statement in statements:
            await attacker.execute(statement)
        yield attacker
    finally:
        attacker.terminate()


@pytest.mark.parametrize("role", [each for each in ROLES if each != "people"])
async def test_no_role_keeps_a_revocation_waiting(
    dsns: Mapping[str, str], house: House, role: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sessions' ids stand in the audit log, and who knows one can hold its row. It is said who does, and they go."""
    monkeypatch.setattr(holders, "TOLD_S", 0.5)
    monkeypatch.setattr(holders, "ENDED_S", 1.0)
    eve = f"eve-of-{role}"
    await house.add(eve)
    token, opened = await house.sign_in(eve)
    said: list[str] = []
    register = PostgresRegister(house.pool, tell=said.append)
    async with holding(dsns[role], f"select * from access.held('{opened.session_id}')") as attacker:  # noqa: S608
        assert await register.revoke(eve, BY, house.now) == 1
        async with asyncio.timeout(60):
            while not attacker.is_closed():  # noqa: ASYNC110 — the driver tells nobody
                await asyncio.sleep(0.05)
    assert await house.people.session_of(token, house.now) is None
    assert said[0].startswith(f"the revocation is kept waiting by role proofwatch-{role} (application 'psql', pid ")
    assert said[1].startswith(f"the revocation waited for 1 s; ended: role proofwatch-{role} ")
    entries = await executed_entries(dsns)
    assert entries[-1].action == "person.revoked"
    assert entries[-1].details == {"sessions_ended": 1, "holders_ended": f"proofwatch-{role}"}


async def test_who_comes_back_and_back_keeps_no_revocation_waiting(dsns: Mapping[str, str], house: House) -> None:
    """A row that is shared could be shared by others in turns for ever: they wait for the one who revokes."""
    await house.add("eve")
    _, opened = await house.sign_in("eve")
    ending = asyncio.Event()

    async def comes_back(late_s: float) -> None:
        await asyncio.sleep(late_s)
        while not ending.is_set():
            with suppress(asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
                async with holding(dsns["fraud"], f"select * from access.held('{opened.session_id}')"):  # noqa: S608
                    await asyncio.sleep(0.9)

    coming = [asyncio.create_task(comes_back(each * 0.15)) for each in range(6)]
    await asyncio.sleep(1.5)
    try:
        assert await PostgresRegister(house.pool, tell=lambda _: None).revoke("eve", BY, house.now) == 1
    finally:
        ending.set()
        for each in coming:
            each.cancel()
        await asyncio.gather(*coming, return_exceptions=True)


async def test_tables_that_are_locked_and_rows_that_are_changed_are_let_go_too(
    dsns: Mapping[str, str], house: House
) -> None:
    """Of those who let people in: they may change single columns, and remove sessions."""
    register = PostgresRegister(house.pool, tell=lambda _: None)
    await house.add("eve")
    for number, statement in enumerate((
        "lock table access.sessions in access exclusive mode",
        "update access.people set code_step = code_step",
        "delete from access.sessions",
    )):  # fmt: skip
        async with holding(dsns["console"], statement):
            await register.give_roles("eve", [list(Role)[number]], None, BY, house.now)
    await register.end_sessions(BY, house.now)


async def test_no_role_keeps_an_erasure_waiting(dsns: Mapping[str, str], house: House) -> None:
    """The lock of all erasures, that of one person, for a transaction or until the connection ends."""
    pool = await create_pool(dsns["privacy"], max_size=3)
    said: list[str] = []
    try:
        for name in ("pia", "paul"):
            await house.add(name, Role.PRIVACY)
        (pia, _), (paul, _) = await house.sign_in("pia"), await house.sign_in("paul")
        keys, whom = EpochKeys(KEYS), subject()
        requests = PostgresRequests(pool, keys, said.append)
        alone = f"select pg_advisory_xact_lock(hashtextextended('{whom.tenant}/{whom.mark}', 49))"
        async with holding(dsns["fraud"], alone):
            erasure_id = await requests.request(pia, About(whom, frozenset()), "asked for", house.now)
        async with holding(dsns["billing"], alone):
            await requests.approve(paul, erasure_id, house.now)
        steps = PostgresSteps(pool, PostgresKeys(keys), said.append)
        for role, lock in {
            "statistics": "select pg_advisory_xact_lock_shared(49, 0)",
            "sre": "select pg_advisory_lock(49, 0); commit",
        }.items():
            async with holding(dsns[role], lock):
                async with pool.acquire() as connection:
                    erasure = await requests.found(connection, erasure_id)
                async with steps.step(erasure, "suppressed") as tx:
                    await steps.suppress(tx, whom.tenant, "subject", [whom.mark], house.now)
        waited = [each for each in said if "is kept waiting by" in each]
        assert [re.search(r"role (\S+)", each)[1] for each in waited] == [  # type: ignore[index]
            f"proofwatch-{role}" for role in ("fraud", "billing", "statistics", "sre")
        ]
        assert waited[2].startswith(f"step 'suppressed' of erasure {erasure_id} is kept waiting by ")
    finally:
        await pool.close()
        await executed(dsns["superuser"], "truncate privacy.erasures, privacy.steps, privacy.suppressed, privacy.keys")


async def test_an_administrators_session_is_named_and_left(dsns: Mapping[str, str], house: House) -> None:
    """Nobody of ours ends it; the sentence says whose it is and what would be right."""
    await house.add("eve")
    said: list[str] = []
    lock = "lock table access.people in access exclusive mode"
    async with holding(dsns["superuser"], lock) as administrator:
        with pytest.raises(
            DatabaseAway, match=r"the revocation was not done, for it was kept waiting by role postgres "
        ):
            await PostgresRegister(house.pool, tell=said.append).revoke("eve", BY, house.now)
        assert not administrator.is_closed()
    assert [each.partition(" (")[0] for each in said] == ["the revocation is kept waiting by role postgres"]


async def test_nobody_else_ends_sessions_and_who_may_only_those_that_hold_them_up(
    dsns: Mapping[str, str],
) -> None:
    """`people` and `privacy` end whom a session of their own role waits for, and no other."""
    for role in ROLES:
        for function in ("holders_of", "end_holders"):
            if role not in ("people", "privacy"):
                with pytest.raises(asyncpg.InsufficientPrivilegeError):
                    await executed(dsns[role], f"select * from access.{function}(1)")  # noqa: S608 - ours
    async with holding(dsns["fraud"], "select pg_advisory_xact_lock(49, 0)") as first:
        waiting = await asyncpg.connect(dsns["billing"])
        pid = await waiting.fetchval("select pg_backend_pid()")
        task = asyncio.create_task(waiting.execute("select pg_advisory_xact_lock(49, 0)"))
        waits = f"select from pg_locks where pid = {pid} and not granted"
        while not await fetched(dsns["superuser"], waits):  # noqa: ASYNC110 - a server tells nobody
            await asyncio.sleep(0.05)
        for function in ("holders_of", "end_holders"):
            assert await fetched(dsns["privacy"], f"select * from access.{function}({pid})") == []  # noqa: S608
        assert not first.is_closed()
        task.cancel()
        waiting.terminate()


@pytest.mark.parametrize("role", ROLES)
async def test_whoever_sets_no_limits_of_time_has_those_of_the_role(dsns: Mapping[str, str], role: str) -> None:
    """A psql that was left open lets go; migrations, which may be long, have none."""
    limits = "select name, setting::int / 1000 from pg_settings where name ~ '^(statement|lock|idle_in_tr).*_timeout$'"
    wanted = {"statement_timeout": 120, "idle_in_transaction_session_timeout": 60, "lock_timeout": 30}
    assert dict(await fetched(dsns[role], limits)) == wanted
    assert set(dict(await fetched(dsns["migrate"], limits)).values()) == {0}


async def executed_entries(dsns: Mapping[str, str]) -> list[Entry]:
    rows = await fetched(dsns["superuser"], "select entry from audit.pending order by pending_id")
    return [entry_of(row[0]) for row in rows]
