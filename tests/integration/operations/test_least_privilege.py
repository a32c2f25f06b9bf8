"""What `proofwatch acls` prints, on a real broker with an authorizer and a real PostgreSQL, process by process."""

import asyncio
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

import asyncpg
import pytest
from aiokafka import AIOKafkaConsumer
from aiokafka.errors import (
    GroupAuthorizationFailedError,
    TopicAuthorizationFailedError,
    TransactionalIdAuthorizationFailed,
)
from confluent_kafka import KafkaError, Producer, TopicCollection
from confluent_kafka.admin import AdminClient

from proofwatch.access.postgres import PostgresPeople
from proofwatch.access.roles import Role
from proofwatch.bus.errors import BusUnavailable
from proofwatch.bus.kafka.bus import KafkaBus
from proofwatch.bus.kafka.client import Connection
from proofwatch.bus.kafka.fence import transactional_id
from proofwatch.bus.kafka.producer import discard, make_producer
from proofwatch.bus.kafka.security import security_of
from proofwatch.bus.kafka.topic_setup import ensure_topics
from proofwatch.bus.local.bus import LocalBus
from proofwatch.bus.port import GroupProgress
from proofwatch.bus.postgres.erasures import ErasureLog
from proofwatch.bus.postgres.pool import create_pool, opened
from proofwatch.bus.postgres.schema import check_schema
from proofwatch.bus.records import TopicPartition
from proofwatch.events import topics
from proofwatch.events.stores import load_stores
from proofwatch.events.topics import kafka_specs, load_manifests
from proofwatch.privacy.key_encryption import EpochKeys
from proofwatch.runtime.clock import SystemClock
from proofwatch.runtime.migrations import migrate
from proofwatch.runtime.settings import Settings
from services.aggregator.adapters.rate_chart_store import write_rebase
from services.aggregator.adapters.version_store import write_declared
from services.aggregator.core.cusum.rebase import Rebase
from services.aggregator.core.governed_markers import Declared
from services.auditor.adapters.log_reader import LogReader
from services.auditor.adapters.log_search import LogSearch, Sought
from services.imagery.adapters.shares import counted
from services.operations.access import PROCESSES, Process, acls, principal_of
from services.operations.access_text import as_sql
from services.triage.adapters.bulk import Named, PostgresBulk
from services.triage.adapters.desk import NoSuchCase, PostgresDesk
from services.triage.adapters.orders import Order
from services.triage.adapters.waiting import waiting
from services.triage.core.dispositions import Finding
from tests.integration.access.house import PASSWORD as OF_PEOPLE
from tests.integration.access.house import House, make_passwords_cheap
from tests.support.kafka_secured import PASSWORD, SecuredBroker, allow
from tests.support.postgres_roles import executed, forgotten
from tests.support.postgres_server import PostgresServer

RUN = ("scorer", "devices", "combine", "windows", "ledger", "incidents", "triage", "notifier", "consents")
NEIGHBOUR = dict(zip(RUN, (*RUN[1:], RUN[0]), strict=True))
ON_POSTGRES = ("windows", "ledger", "incidents", "triage", "notifier", "consents")


def user_of(process: str) -> str:
    return principal_of(process).removeprefix("User:")


def settings_of(secured: SecuredBroker, process: str) -> Settings:
    return Settings(
        kafka_bootstrap=secured.addresses["SASL_SSL"],
        kafka_security_protocol="SASL_SSL",
        kafka_sasl_mechanism="SCRAM-SHA-256",
        kafka_sasl_username=user_of(process),
        kafka_sasl_password=PASSWORD,
        kafka_ssl_ca_file=secured.authority.file,
    )


@pytest.fixture(scope="module")
def granted(secured_broker: SecuredBroker) -> SecuredBroker:
    """The broker with every process as a user, its rights, and all topics, made by the user that may do that."""
    secured_broker.add_users([user_of(process) for process in PROCESSES])
    allow(secured_broker, acls(load_manifests()))
    security = security_of(settings_of(secured_broker, "topics"))
    one = [spec._replace(partitions=1) for spec in kafka_specs()]
    asyncio.run(ensure_topics(secured_broker.addresses["SASL_SSL"], one, replication_factor=1, security=security))
    return secured_broker


@pytest.fixture(scope="module")
def dsns(postgres_server: PostgresServer) -> Iterator[Mapping[str, str]]:
    """A database with the roles and, made by the role of the migrations, the tables; the DSN of each role."""
    dsn = postgres_server.create_database()
    database = dsn.partition("?")[0].rpartition("/")[2]
    asyncio.run(executed(dsn, as_sql(database)))
    asyncio.run(executed(dsn, as_sql(database)))
    roles = (*(name for name, each in PROCESSES.items() if each.on_postgres()), "migrate")
    made = {name: dsn.replace("postgres@", f"{user_of(name)}@", 1) for name in roles}
    asyncio.run(migrate(made["migrate"]))
    asyncio.run(executed(dsn, as_sql(database)))
    yield {**made, "superuser": dsn}
    postgres_server.drop_database(dsn)
    asyncio.run(forgotten(postgres_server.dsn()))


@pytest.mark.parametrize("process", sorted(PROCESSES))
def test_the_broker_grants_each_process_what_it_needs_and_nothing_else(granted: SecuredBroker, process: str) -> None:
    """For every process and every topic the broker itself is asked what that user may do there."""
    implied = {"READ": {"DESCRIBE"}, "WRITE": {"DESCRIBE"}}
    names = [spec.name for spec in kafka_specs()]
    wanted = acls(load_manifests())
    admin = AdminClient(client(granted, user_of(process)))
    may: dict[str, set[str]] = {name: set() for name in names}
    for acl in wanted:
        if acl.principal == principal_of(process) and acl.resource_type == "topic":
            may[acl.resource] |= {acl.operation} | implied.get(acl.operation, set())
    seen = sorted(admin.list_topics(timeout=60).topics)
    assert seen == sorted(name for name in names if "DESCRIBE" in may[name])
    assert authorized(admin, seen) == {name: may[name] for name in seen}


@pytest.mark.parametrize("process", RUN)
async def test_a_process_commits_as_itself_and_never_as_its_neighbour(granted: SecuredBroker, process: str) -> None:
    """It fences its own partitions, its outbox's too; transactional ids, groups and topics of others refuse it."""
    settings, neighbour = settings_of(granted, process), PROCESSES[NEIGHBOUR[process]]
    bus, security = KafkaBus.of(settings, "test"), security_of(settings)
    await bus.start()
    try:
        for group, read in PROCESSES[process].transacting().items():
            for topic in read:
                await commits(bus, group, TopicPartition(topic, 0))
        for group, read in neighbour.transacting().items():
            theirs = transactional_id(group, TopicPartition(read[0], 0))
            producer_of_theirs = make_producer(Connection(settings.kafka_bootstrap, "test", security=security), theirs)
            with pytest.raises(TransactionalIdAuthorizationFailed):
                await producer_of_theirs.start()
            await discard(producer_of_theirs)
    finally:
        await bus.stop()
    for group in neighbour.groups:
        with pytest.raises((GroupAuthorizationFailedError, TopicAuthorizationFailedError)):
            await joins(settings, group, topics.POSITIONS)
    manifests, refused = load_manifests(), []
    foreign = [name for name, each in manifests.items() if process not in each.producers]
    producer = Producer({**client(granted, user_of(process)), "message.timeout.ms": 60_000})
    for topic in foreign:
        producer.produce(topic, b"x", partition=0, on_delivery=lambda error, _: refused.append(error and error.code()))
    assert producer.flush(90) == 0
    assert set(refused) == {KafkaError.TOPIC_AUTHORIZATION_FAILED}
    assert len(refused) == len(foreign)


@pytest.mark.parametrize("process", [name for name, each in PROCESSES.items() if each.watches])
async def test_a_process_sees_how_far_those_are_that_it_waits_for(granted: SecuredBroker, process: str) -> None:
    """And cannot join their group: it may only describe it."""
    bus = KafkaBus.of(settings_of(granted, process), "test")
    await bus.start()
    try:
        for group, topic in PROCESSES[process].watches.items():
            found = await seen(bus, group, topic)
            assert found[0].end == 0
            with pytest.raises((GroupAuthorizationFailedError, TopicAuthorizationFailedError)):
                await joins(settings_of(granted, process), group, topic)
    finally:
        await bus.stop()


async def test_no_process_reaches_the_tables_of_another(dsns: Mapping[str, str]) -> None:
    """For every role and every table the server itself is asked; and a role that tries is refused."""
    rows = await fetched(
        dsns["superuser"],
        "select n.nspname as schema, c.oid::regclass::text as table, r.rolname as role, "
        "has_table_privilege(r.oid, c.oid, 'select') as reads, "
        "has_table_privilege(r.oid, c.oid, 'insert, update, delete') as writes, "
        "has_table_privilege(r.oid, c.oid, 'truncate, references, trigger') as owns, "
        "has_schema_privilege(r.oid, n.oid, 'create') as creates "
        "from pg_class c join pg_namespace n on n.oid = c.relnamespace, pg_roles r "
        "where c.relkind in ('r', 'p') "
        "and n.nspname in ('windows', 'ledger', 'incidents', 'triage', 'notifier', 'consents', 'access', 'proofwatch') "
        "and r.rolname like 'proofwatch-%'",
    )
    assert len(rows) > 50
    for row in rows:
        name = row["role"].removeprefix("proofwatch-")
        migrates, process = name == "migrate", PROCESSES.get(name, Process())
        writes = migrates or row["schema"] == process.schema or row["table"] in process.removes_rows
        reads = writes or row["schema"] in process.reads_schemas
        reads |= row["schema"] == "proofwatch" and row["reads"]  # how new the tables are: nobody's secret
        found = (row["reads"], row["writes"], row["owns"], row["creates"])
        assert found == (reads, writes, migrates, migrates), dict(row)


async def test_who_reads_by_column_reads_no_other_and_every_column_has_a_category(dsns: Mapping[str, str]) -> None:
    """For every role and every column the server itself is asked; and what a store declares is what there is."""
    rows = await fetched(
        dsns["superuser"],
        "select n.nspname || '.' || c.relname as table, a.attname as column, r.rolname as role from pg_class c "
        "join pg_namespace n on n.oid = c.relnamespace join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 "
        "and not a.attisdropped, pg_roles r where c.relkind in ('r', 'p') and r.rolname like 'proofwatch-%' "
        "and n.nspname in ('windows', 'ledger', 'incidents', 'triage', 'notifier', 'consents', 'imagery', 'outputs', "
        "'audit') and has_column_privilege(r.oid, c.oid, a.attnum, 'select')",
    )
    found: dict[str, set[tuple[str, str]]] = {}
    for table, column, role in map(tuple, rows):
        found.setdefault(role.removeprefix("proofwatch-"), set()).add((table, column))
    for name, process in PROCESSES.items():
        whole = {process.schema, *process.reads_schemas}
        beside = {(table, column) for table, column in found.get(name, set()) if table.partition(".")[0] not in whole}
        assert beside == {(table, column) for table, columns in process.columns().items() for column in columns}, name
    there: dict[str, set[str]] = {}
    for table, column in found["migrate"]:
        if not table.startswith("audit."):  # its store names its categories as a whole
            there.setdefault(table, set()).add(column)
    declared = {
        f"{store.name}.{table}": set(of) for store in load_stores().values() for table, of in store.tables.items()
    }
    assert declared == {table: there[table] for table in declared}


@pytest.mark.parametrize("process", ON_POSTGRES)
async def test_a_role_does_its_own_work_and_is_refused_elsewhere(dsns: Mapping[str, str], process: str) -> None:
    """It starts as its process does, and writes its rows; tables, its own too, are made by the migrations alone."""
    dsn, other = dsns[process], ON_POSTGRES[(ON_POSTGRES.index(process) + 1) % len(ON_POSTGRES)]
    pool = await create_pool(dsn)
    await check_schema(pool, process)
    await pool.close()
    await executed(dsn, f"update {process}.fence set position = 0; delete from {process}.outbox")  # noqa: S608 - ours
    if PROCESSES[process].temporary:
        await executed(dsn, "create temporary table mine()")
    for statement in (
        f"select * from {other}.fence",  # noqa: S608 - names of ours
        f"update {other}.fence set position = 0",  # noqa: S608 - names of ours
        f"create table {other}.mine()",
        f"create table {process}.mine()",
        f"drop table {process}.fence",
        "create table public.mine()",
        "create schema mine",
        "delete from proofwatch.migrations",
    ):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await executed(dsn, statement)


async def test_who_says_what_is_usual_adds_a_row_and_nothing_more(dsns: Mapping[str, str]) -> None:
    """`baseline rebase` and `markers add` run with the rights of `fraud`, by the code that they run; by column.

    Neither may it change or remove what was said, nor say when it was, nor add anywhere else.
    """
    async with opened(dsns["fraud"]) as pool, pool.acquire() as connection:
        await write_rebase(connection, Rebase("acme", None, None, None, 1, 300_000, "a.rao", "a new matcher"))
        await write_declared(connection, Declared("acme", "vendor", "v2", 1, 300_000, "a.rao", "announced"))
    rows = await fetched(
        dsns["superuser"],
        "select c.oid::regclass::text || '.' || a.attname as place, r.rolname as role from pg_class c "
        "join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped, pg_roles r "
        "where c.relkind in ('r', 'p') and c.relnamespace <> 'audit'::regnamespace and r.rolname like 'proofwatch-%' "
        "and has_column_privilege(r.oid, c.oid, a.attnum, 'insert') "
        "and not has_table_privilege(r.oid, c.oid, 'insert')",
    )
    assert {(row["place"], row["role"].removeprefix("proofwatch-")) for row in rows} == {
        (f"{table}.{column}", name)
        for name, process in PROCESSES.items()
        for table, columns in process.adds_rows.items()
        for column in columns
    }
    for statement in (
        "update windows.rebases set reason = 'another'",
        "delete from windows.rebases",
        "truncate windows.declared_markers",
        "update windows.declared_markers set by_whom = 'b'",
        "insert into windows.rebases(tenant, written_at) values ('acme', '2020-01-01')",
        "insert into windows.fence(topic) values ('t')",
        "insert into windows.markers(tenant) values ('acme')",
        "insert into ledger.transactions(tenant) values ('acme')",
    ):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await executed(dsns["fraud"], statement)


async def test_the_broker_counts_what_was_opened_with_the_columns_that_it_has(dsns: Mapping[str, str]) -> None:
    """`imagery share` by its own code; of the ledger it reads nothing else."""
    async with opened(dsns["imagery"]) as pool, pool.acquire() as connection:
        assert await counted(connection, date(2026, 3, 1), date(2026, 4, 1)) == {}
    for table in ("ledger.transactions", "ledger.fence", "windows.fence"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await executed(dsns["imagery"], f"select * from {table}")  # noqa: S608 - tables of ours


async def test_what_a_release_needs_no_more_goes_when_the_rights_are_given_anew(dsns: Mapping[str, str]) -> None:
    """In the same transaction, so that no process is without its rights for a moment."""
    database = dsns["superuser"].partition("?")[0].rpartition("/")[2]
    role, asked = user_of("imagery"), "select has_table_privilege($1, 'access.people', 'insert')"
    await executed(dsns["superuser"], f'grant insert on all tables in schema access to "{role}"')
    for expected in (True, False):
        connection = await asyncpg.connect(dsns["superuser"])
        assert await connection.fetchval(asked, role) is expected
        await connection.close()
        await executed(dsns["superuser"], as_sql(database))


async def test_every_role_asks_whose_a_session_is_and_none_sees_the_secrets(dsns: Mapping[str, str]) -> None:
    """By functions, for who knows a token or a session's id; tables and other functions are the register's own."""
    asked = "select count(*) from access.running('\\x00')", "select count(*) from access.held('s')"
    for role in ("triage", "fraud", "auditor"):
        for statement in (*asked, "select access.seen('s', now())", "select * from access.directory"):
            await executed(dsns[role], statement)
        await executed(dsns[role], "select count(*) from access.token_of('\\x00')")
        for table in ("people", "sessions", "attempts", "tokens", "vouchers", "flows"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await executed(dsns[role], f"select from access.{table}")
    shown = "select attname from pg_attribute where attrelid = 'access.directory'::regclass and attnum > 0"
    assert [name for (name,) in await fetched(dsns["superuser"], shown)] == ["person_id", "name", "tenants", "roles"]
    names = await fetched(dsns["superuser"], "select proname from pg_proc where pronamespace = 'access'::regnamespace")
    assert sorted(name for (name,) in names) == [
        "end_holders", "held", "holders_of", "note_sign_in", "of_provider", "present", "running", "seen", "seen",
        "token_of", "token_refused", "token_used",
    ]  # fmt: skip


async def test_people_are_let_in_and_work_with_the_rights_of_each_role(
    dsns: Mapping[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The register's role adds; whoever shares its schema lets in; triage's role asks whose a session is, and works."""
    make_passwords_cheap(monkeypatch)
    register = await create_pool(dsns["people"])
    triage = await create_pool(dsns["triage"])
    try:
        house = House(register)
        for name, process in PROCESSES.items():
            if process.schema != "access" and "access.sessions" not in process.adds_rows:
                continue
            who = f"somebody-at-{name}"
            await house.add(who)
            house.later(seconds=30)
            pool = await create_pool(dsns[name])
            people = PostgresPeople(pool)
            token, opened = await people.sign_in(who, OF_PEOPLE, house.code(who), house.now)
            house.later(seconds=30)
            await people.confirm(token, house.code(who), house.now)
            assert await PostgresDesk(triage).listed(token, house.now) == []
            with pytest.raises(NoSuchCase):
                await PostgresDesk(triage).do("take", "none", token, house.now)
            async with triage.acquire() as connection, connection.transaction():
                assert await PostgresPeople(triage).locked(connection, opened.session_id, house.now)
                await connection.fetch("select * from triage.held('none')")
            await people.sign_out(token, house.now)
            assert await PostgresPeople(triage).session_of(token, house.now) is None
            await pool.close()
    finally:
        await register.close()
        await triage.close()


async def test_the_console_works_on_cases_and_can_neither_open_nor_remove_one(
    dsns: Mapping[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """All that people do there, with its role alone; and what nobody there does, the server refuses."""
    make_passwords_cheap(monkeypatch)
    register = await create_pool(dsns["people"])
    console = await create_pool(dsns["console"])
    try:
        await check_schema(console, "triage", writes=False)
        house = House(register)
        for number in range(2):
            await executed(
                dsns["triage"],
                "insert into triage.cases(case_id, tenant, kind, subject_tag, state, severity, queue, revision, "
                f"opened_at, changed_at) values('at-console-{number}', 'acme', 'subject', repeat('{number}', 32), "
                "'escalated', 'high', 'soc', 1, now(), now()); "
                "insert into triage.case_reasons(case_id, source_id, source_revision, code, at, transaction_id, "
                f"severity, evidence) values('at-console-{number}', 's{number}', 1, 'device_velocity', now(), 't', "
                "'high', '{}')",
            )
        for who, role in (("at-the-desk", Role.ANALYST), ("beside-it", Role.CHECKER)):
            await house.add(who, role)
        token, found = await PostgresPeople(console).sign_in(*await known(house, "at-the-desk"), house.now)
        checker, _ = await PostgresPeople(console).sign_in(*await known(house, "beside-it"), house.now)
        desk = PostgresDesk(console)
        given = await desk.next(token, house.now)
        assert given is not None
        case = given.case.listed.now.case_id
        await desk.do("release", case, token, house.now, seen=given.case.seen)
        await desk.do("assign", case, checker, house.now, to="at-the-desk")
        await desk.do("refer", case, token, house.now, reason="novel")
        other = "at-console-1" if case == "at-console-0" else "at-console-0"
        await desk.do("take", other, token, house.now)
        await desk.do(
            "threat", other, token, house.now, reason="a mask", finding=Finding("threat", "a mask", "presentation")
        )
        await desk.do("approve", other, checker, house.now, reason="so it is")
        noting = PostgresDesk(console, keys=EpochKeys({1: bytes(32)}))
        await noting.note(other, "the same mask", checker, house.now, "n1")
        assert [each.text for each in (await noting.one(other, checker, house.now)).notes] == ["the same mask"]
        named = [Named(other, (await desk.one(other, checker, house.now)).seen)]
        done = await PostgresBulk(desk).do("k", Order("close", "known"), named, checker, house.now)
        assert [each.code for each in done] == ["done"]
        assert (await waiting(console, found, house.now, house.now)).running == 1
        await ErasureLog(LocalBus({}, SystemClock())).announced(console, "console")
        log = LogSearch(console)
        assert await log.find(Sought(house.now), 1) == []
        assert (await log.signed(), await log.leaf(0), await log.holding(0)) == (0, None, None)
        assert await LogReader(console).checkpoints(0, 0) == []
        await LogReader(console).nodes([(0, 0), (1, 0)])
        await LogReader(console).keys()
        for statement in (
            "select * from audit.pending",
            "select * from audit.refused",
            "select hashes from audit.log",
            "delete from audit.entries",
            "update audit.entries set leaf = ''",
            "insert into audit.checkpoints(checkpoint_index, size, note) values (0, 0, '')",
            "insert into triage.cases(case_id) values ('mine')",
            "update triage.cases set tenant = 'other'",
            "delete from triage.cases",
            "delete from triage.case_transitions",
            "update triage.case_transitions set why = 'nothing'",
            "update triage.case_reasons set evidence = '{}'",
            "update triage.assignments set person_id = 'me'",
            "delete from triage.outbox",
            "delete from triage.bulk_results",
            "delete from triage.notes",
            "select * from privacy.keys",
            "select * from privacy.keys_of('{}', '{}')",
            "update triage.bulk_results set code = 'done'",
            "select * from imagery.flagged",
            "update access.people set roles = '{admin}'",
            "select * from triage.forget('acme', '{}', now())",
        ):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await executed(dsns["console"], statement)
    finally:
        await executed(dsns["superuser"], "truncate triage.cases cascade")
        await register.close()
        await console.close()


async def known(house: House, name: str) -> tuple[str, str, str]:
    """What somebody types, half a minute later than whoever signed in before."""
    house.later(seconds=30)
    return name, OF_PEOPLE, house.code(name)


def authorized(admin: AdminClient, names: list[str]) -> dict[str, set[str]]:
    """Return what the broker says that the client's user may do on topics."""
    found = admin.describe_topics(TopicCollection(names), include_authorized_operations=True, request_timeout=30)
    return {name: {op.name for op in future.result().authorized_operations} for name, future in found.items()}


def client(secured: SecuredBroker, user: str) -> dict[str, Any]:
    """Return the configuration of an independent client."""
    return {
        "bootstrap.servers": secured.addresses["SASL_SSL"],
        "security.protocol": "SASL_SSL",
        "sasl.mechanism": "SCRAM-SHA-256",
        "sasl.username": user,
        "sasl.password": PASSWORD,
        "ssl.ca.location": str(secured.authority.file),
    }


async def seen(bus: KafkaBus, group: str, topic: str) -> dict[int, GroupProgress]:
    """Return how far a group is; on a new broker the coordinator comes a little later."""
    async with asyncio.timeout(120):
        while True:
            try:
                return await bus.read_progress(group, topic)
            except BusUnavailable:
                await asyncio.sleep(0.2)


async def commits(bus: KafkaBus, group: str, at: TopicPartition) -> None:
    """Fence a partition and ask for its position; on a new broker the coordinator comes a little later."""
    async with asyncio.timeout(120):
        while True:
            owner = await bus.fence(group).acquire(at)
            try:
                assert await owner.position() in (None, 0)
            except BusUnavailable:
                await asyncio.sleep(0.2)
            else:
                return
            finally:
                await owner.close()


async def joins(settings: Settings, group: str, topic: str) -> None:
    """Join a group with a client of its own."""
    options = security_of(settings).options()
    consumer = AIOKafkaConsumer(topic, bootstrap_servers=settings.kafka_bootstrap, group_id=group, **options)
    try:
        await consumer.start()
    finally:
        await consumer.stop()


async def fetched(dsn: str, query: str) -> list[Any]:
    connection = await asyncpg.connect(dsn)
    try:
        found: list[Any] = await connection.fetch(query)
        return found
    finally:
        await connection.close()
