"""The door at every exit on a real database: who asks is known, refused or not it is on record, and nothing leaks."""

import asyncio
import json
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import asyncpg
import pytest

from proofwatch.access.roles import Role
from proofwatch.audit.entry import Entry, entry_of
from proofwatch.bus.kafka.bus import KafkaBus
from proofwatch.bus.local.bus import LocalBus
from proofwatch.bus.postgres.pool import create_pool
from proofwatch.bus.records import Outgoing
from proofwatch.command_line.session_file import write_token
from proofwatch.events import topics
from proofwatch.exits.door import commitment
from proofwatch.exits.table import EXITS
from proofwatch.governance import settings as governance_settings
from proofwatch.governance.policy import PROFILES
from proofwatch.governance.tenant import Contract
from proofwatch.instants import ms_of
from proofwatch.runtime.clock import SimulatedClock
from services.cli import main
from services.command_traces import TRACES
from tests.integration.access.house import House, make_passwords_cheap
from tests.integration.outputs.roles import with_roles
from tests.support.postgres_roles import executed
from tests.support.postgres_server import PostgresServer
from tests.unit.exits.test_every_command import PARSERS
from tests.unit.governance.scene import KEYRING, Log, activation, tenant

WHY = ("--reason", "ticket 4711")
POLICY = str(PROFILES / "default.yaml")
COMMANDS: Mapping[str, tuple[str, ...]] = {
    "statement": ("statement", "--month", "2026-03"),
    "statistics": ("statistics", "--month", "2026-03"),
    "troubleshoot": ("troubleshoot", "tx-1", "--reason", "ticket 4711"),
    "explain": ("explain", "tx-1", "--reason", "ticket 4711"),
    "backtest": ("backtest", "--policy", POLICY, "--over", "ledger"),
    "rates": ("rates", "--since", "24h"),
    "windows": ("windows", "--since", "24h"),
    "handsets": ("handsets", "--since", "24h"),
    "what-if": ("what-if", "--since", "24h", "--liveness-threshold", "0.9"),
    "markers": ("markers",),
    "baseline show": ("baseline", "show"),
    "accepted-attacks": ("accepted-attacks", "--since", "24h", *WHY),
    "baseline rebase": ("baseline", "rebase", *WHY),
    "markers add": ("markers", "add", "--kind", "sdk", "--version", "9", *WHY),
    "control": ("control", "on", "step_up_mfa", "--cohort", "acme/os=ios", "--expires-at", "+72h", "--yes", *WHY),
    "notify": ("notify", "list"),
    "dlq show": ("dlq", "show", "onboarding.transactions.v1.dlq/0/0", *WHY),
    "dlq redrive": ("dlq", "redrive", "onboarding.transactions.v1", "--note", "ticket 4711"),
    "subjects repair": ("subjects", "repair", "--yes", "--note", "ticket 4711"),
    "audit export": ("audit", "export", "--out", "there-is-none-of-it"),
    "audit prove": ("audit", "prove", "1", "--out", "there-is-none-of-it"),
    "audit show": ("audit", "show", "1"),
    "audit search": ("audit", "search"),
    "audit search --own": ("audit", "search", "--own"),
    "people list": ("people", "list"),
    "tokens list": ("tokens", "list"),
    "imagery share": ("imagery", "share", "--month", "2026-03"),
}
ROLES: Mapping[str, tuple[Role, Role]] = {
    "statement": (Role.ADMIN, Role.ANALYST),
    "statistics": (Role.AUTHOR, Role.ADMIN),
    "troubleshoot": (Role.ANALYST, Role.AUTHOR),
    "explain": (Role.RESEARCHER, Role.APPROVER),
    **dict.fromkeys(
        ("backtest", "rates", "windows", "handsets", "what-if", "markers", "baseline show"),
        (Role.CHECKER, Role.ADMIN),
    ),
    "accepted-attacks": (Role.ANALYST, Role.AUTHOR),
    **dict.fromkeys(("baseline rebase", "markers add"), (Role.AUTHOR, Role.ANALYST)),
    "control": (Role.CHECKER, Role.ANALYST),
    "notify": (Role.ANALYST, Role.ADMIN),
    **dict.fromkeys(("dlq show", "dlq redrive", "subjects repair"), (Role.SRE, Role.ADMIN)),
    **dict.fromkeys(("audit export", "audit prove", "audit show", "audit search"), (Role.AUDITOR, Role.ADMIN)),
    "audit search --own": (Role.ANALYST, Role.ADMIN),
    "people list": (Role.ADMIN, Role.CHECKER),
    "tokens list": (Role.ADMIN, Role.CHECKER),
    "imagery share": (Role.AUDITOR, Role.ADMIN),
}
"""Who may, and somebody who may not."""
OWN_TESTS = {"export training", "privacy scan", "imagery reconcile", "restore relay", "people review"}
"""Exits that need files, Redis or Kafka: see `test_training`, `test_scan`, `test_reconcile_command`,
`test_restore_relay`, `test_review`."""
OF_NO_TENANT = {
    "dlq redrive",
    "subjects repair",
    "people list",
    "tokens list",
    "audit export",
    "audit prove",
    "audit show",
}
ASKED_WHATEVER_THE_CONTRACT = {"control", "notify", "audit search", "audit search --own", *OF_NO_TENANT}
DATABASE_ROLE = {
    "statement": "billing", "statistics": "statistics", "people list": "people", "imagery share": "imagery",
    "control": "governance", "notify": "on-call", "tokens list": "people",
    **dict.fromkeys(("dlq show", "dlq redrive", "subjects repair"), "sre"),
    **dict.fromkeys((name for name in COMMANDS if name.startswith("audit")), "audit-reader"),
}  # fmt: skip
PATTERN = """
pattern_id: emulators
description: emulators
severity: high
predicate: {all: [{field: device.os, op: eq, value: android}]}
"""
every_exit = pytest.mark.parametrize("name", COMMANDS)
Said = pytest.CaptureFixture[str]


@pytest.fixture(scope="module")
def dsns(postgres_server: PostgresServer) -> Iterator[Mapping[str, str]]:
    yield from with_roles(postgres_server)


@pytest.fixture
def bus(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> LocalBus:
    """What commands find in place of Kafka: all of it was logged yesterday. Files are those of a folder of its own."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pattern.yaml").write_text(PATTERN)
    made = LocalBus({spec.name: 1 for spec in topics.kafka_specs()}, SimulatedClock(_yesterday_ms()))
    monkeypatch.setattr(KafkaBus, "of", lambda *_, **__: made)
    return made


@pytest.fixture
def entries(dsns: Mapping[str, str], bus: LocalBus) -> Callable[[], list[Entry]]:
    """The entries of the test."""
    asyncio.run(executed(dsns["superuser"], "truncate audit.pending"))

    async def found() -> list[Entry]:
        connection = await asyncpg.connect(dsns["superuser"])
        rows = await connection.fetch("select entry from audit.pending order by pending_id")
        await connection.close()
        return [each for each in (entry_of(row[0]) for row in rows) if each.action == "data.asked"]

    return lambda: asyncio.run(found())


def asked(dsns: Mapping[str, str], name: str, *who: str, of: str = "acme") -> int:
    """Run the command as it is typed; each takes what it has of tenant, name and database."""
    dsn = dsns[DATABASE_ROLE.get(name, "fraud")]
    command = next(each for each, trace in TRACES.items() if trace.what == name.removesuffix(" --own"))
    there = {option for each in PARSERS[command]._actions for option in each.option_strings}
    words = [*COMMANDS[name], *("--tenant", of)] if "--tenant" in there else list(COMMANDS[name])
    words += ["--operator" if each == "--by" and "--by" not in there else each for each in who]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PROOFWATCH_POSTGRES_DSN", dsn)
        return main([*words, *(("--dsn", dsn) if "--dsn" in there else ())])


class Sessions:
    """Files of people who are signed in, one for each role, who have the tenant acme."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.ids: dict[Role, str] = {}

    def file(self, role: Role) -> str:
        return str(self.folder / role)

    async def sign_in(self, dsn: str) -> None:
        pool = await create_pool(dsn)
        house = House(pool)
        for role in {role for pair in ROLES.values() for role in pair}:
            house.now = datetime.now(UTC) - timedelta(seconds=30)
            await house.add(role, role, tenants=("acme",))
            token, opened = await house.sign_in(role)
            write_token(self.folder / role, token)
            self.ids[role] = opened.session_id
        await pool.close()


@pytest.fixture(scope="module")
def sessions(dsns: Mapping[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sessions]:
    made = Sessions(tmp_path_factory.mktemp("sessions"))
    with pytest.MonkeyPatch.context() as patch:
        make_passwords_cheap(patch)
        asyncio.run(made.sign_in(dsns["superuser"]))
        yield made


def test_no_exit_is_left_out() -> None:
    """Each of the table is tried here, but for the export, whose tests are its own."""
    assert COMMANDS.keys() == ROLES.keys() == EXITS.keys() - OWN_TESTS


@every_exit
def test_who_states_a_name_is_on_record_before_anything_is_read(
    name: str, dsns: Mapping[str, str], entries: Callable[[], list[Entry]], capsys: Said
) -> None:
    """There is nothing to be found: the entry is there all the same, with purpose, categories, basis and contract."""
    assert asked(dsns, name, "--by", "r.mehta") in (0, 1, 2)
    assert "permission denied" not in capsys.readouterr().err

    [made] = entries()
    of = None if name in OF_NO_TENANT else "acme"
    assert (made.outcome, made.purpose, made.tenant) == ("granted", EXITS[name].purpose, of)
    assert (made.actor.kind, made.actor.id, made.details["identity"]) == ("person", "r.mehta", "stated")
    assert made.details["role"] == f"database proofwatch-{DATABASE_ROLE.get(name, 'fraud')}"
    contract = {"every_tenant"} if name in {*OF_NO_TENANT, "control", "notify"} else {"not_governed"}
    assert made.details["basis"] == "contract"
    assert made.details["contract"] in ({"not_asked"} if name.startswith("audit") else contract)
    assert made.details["categories"] == " ".join(sorted(EXITS[name].categories()))
    assert made.objects[0].id == name
    if "tx-1" in COMMANDS[name]:
        assert made.details["transaction_sha256"] == commitment(made.salt, "acme", "tx-1")
        assert "tx-1" not in str(made)


@every_exit
def test_a_role_that_may_not_gets_nothing_and_is_on_record(
    name: str, dsns: Mapping[str, str], sessions: Sessions, entries: Callable[[], list[Entry]], capsys: Said
) -> None:
    """At each exit: denied with what to do, not a byte."""
    right, wrong = ROLES[name]
    assert asked(dsns, name, "--as", sessions.file(wrong)) in (1, 2)
    said = capsys.readouterr()
    assert said.out == ""
    assert f"{right}" in said.err
    [made] = entries()
    assert (made.outcome, made.details["why"], made.purpose) == ("denied", "role_missing", EXITS[name].purpose)


def test_a_session_may_what_its_role_and_tenants_let_it(
    dsns: Mapping[str, str], sessions: Sessions, entries: Callable[[], list[Entry]], tmp_path: Path, capsys: Said
) -> None:
    """Granted to the role, by the session's id; denied for another tenant, and to a token that is nobody's."""
    (tmp_path / "none").write_text("no-token-of-anybody\n")
    (tmp_path / "none").chmod(0o600)
    for name in ("rates", "statement"):
        asked(dsns, name, "--as", sessions.file(ROLES[name][0]))
        capsys.readouterr()
    for file, of in ((sessions.file(Role.CHECKER), "birch"), (str(tmp_path / "none"), "acme")):
        assert asked(dsns, "rates", "--as", file, of=of) == 1
        assert capsys.readouterr().out == ""

    found = entries()
    assert [(each.outcome, each.details.get("why")) for each in found] == [
        ("granted", None), ("granted", None), ("denied", "tenant_not_theirs"), ("denied", "no_session"),
    ]  # fmt: skip
    assert found[0].details["identity"] == f"session {sessions.ids[Role.CHECKER]}"
    assert found[3].actor.kind == "service"
    assert asked(dsns, "rates", "--as", str(tmp_path / "nowhere")) == 2
    assert "sign in with" in capsys.readouterr().err


@pytest.mark.parametrize("name", [name for name in COMMANDS if name not in ASKED_WHATEVER_THE_CONTRACT])
def test_without_the_tenants_contract_nothing_leaves(
    name: str,
    dsns: Mapping[str, str],
    bus: LocalBus,
    entries: Callable[[], list[Entry]],
    monkeypatch: pytest.MonkeyPatch,
    capsys: Said,
) -> None:
    """By its governed settings, as the log has them: it ended before the month began."""
    governed(monkeypatch)
    asyncio.run(_settle(bus, Contract(state="ended", starts=date(2026, 1, 1), until=date(2026, 2, 1))))

    assert asked(dsns, name, "--by", "r.mehta") in (1, 2)
    said = capsys.readouterr()

    [made] = entries()
    assert (made.outcome, made.details["why"], made.details["contract"]) == ("denied", "basis_not_in_force", "ended")
    assert said.out == ""
    assert "(basis_not_in_force)" in said.err


def test_a_contract_in_force_opens_and_one_that_is_not_there_does_not(
    dsns: Mapping[str, str],
    bus: LocalBus,
    entries: Callable[[], list[Entry]],
    monkeypatch: pytest.MonkeyPatch,
    capsys: Said,
) -> None:
    """Of a tenant that nobody ever governed nothing is known: denied. What was served under an old one is billed."""
    governed(monkeypatch)
    asked(dsns, "rates", "--by", "r.mehta")
    asyncio.run(_settle(bus, Contract(state="suspended", starts=date(2026, 1, 1))))
    asked(dsns, "rates", "--by", "r.mehta")
    asked(dsns, "statement", "--by", "r.mehta")
    found = entries()
    assert [(each.outcome, each.details["contract"]) for each in found] == [
        ("denied", "unknown"), ("denied", "suspended"), ("granted", "suspended"),
    ]  # fmt: skip


def _yesterday_ms() -> int:
    return ms_of(datetime.now(UTC) - timedelta(days=1))


def governed(patch: pytest.MonkeyPatch) -> None:
    """Have the keyring of the tests' people count."""
    patch.setenv("PROOFWATCH_KEYRING_FILE", "keyring.yaml")
    patch.setattr(governance_settings, "load_keyring", lambda _: KEYRING)


async def _settle(bus: LocalBus, contract: Contract) -> None:
    """Put a contract in force, which was active for an hour before."""
    log, ms = Log(), _yesterday_ms()
    for hours, each in enumerate((Contract(state="active", starts=contract.starts), contract), 1):
        document = log.approved(tenant(contract=each), ms)
        log.put(activation(document, "acme", ms + hours * 3_600_000), ms)
    await bus.publish([Outgoing(topic, each.key, each.value, 0, each.timestamp_ms) for topic, each in log.records])


def test_without_the_audit_log_nobody_is_let_through(dsns: Mapping[str, str], bus: LocalBus, capsys: Said) -> None:
    """No audit, no access: at each exit, with a sentence."""
    asyncio.run(executed(dsns["superuser"], "alter table audit.pending rename to elsewhere"))
    try:
        for name in COMMANDS:
            assert asked(dsns, name, "--by", "r.mehta") in (1, 2), name
            said = capsys.readouterr()
            assert said.out == "" or "database_away" in said.out, name
            assert "audit.pending" in said.err, name
            assert not Path("there-is-none-of-it").exists(), name
    finally:
        asyncio.run(executed(dsns["superuser"], "alter table audit.elsewhere rename to pending"))


def test_what_was_granted_is_found_by_its_outcome_and_purpose(
    dsns: Mapping[str, str], entries: Callable[[], list[Entry]], capsys: Said
) -> None:
    """An entry is a leaf of the log as any other: its details are text, in one form."""
    asked(dsns, "rates", "--by", "r.mehta", "--reason", "  shift  ")
    [made] = entries()
    assert made.reason == "shift"
    assert json.loads(json.dumps(made.details)) == made.details
