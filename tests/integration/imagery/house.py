"""The broker with real people, cases, database, auditor and renderer; pictures in a folder; time moved by the test."""

import asyncio
import io
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import asyncpg
from PIL import Image

from proofwatch.access.acts import OPERATOR, By
from proofwatch.access.one_time_codes import code_at, step_of
from proofwatch.access.passwords import hashed
from proofwatch.access.postgres import PostgresPeople
from proofwatch.access.register import PostgresRegister
from proofwatch.access.roles import Role
from proofwatch.access.session import Session
from proofwatch.audit.entry import Entry, entry_of
from proofwatch.bus.errors import BusUnavailable
from proofwatch.bus.local.bus import LocalBus
from proofwatch.bus.records import Outgoing
from proofwatch.events import topics
from proofwatch.events.codec import PLATFORM_ALERT
from proofwatch.events.types import PlatformAlert
from proofwatch.events.wire import JSON
from proofwatch.governance.purposes import Purpose
from proofwatch.governance.tenant import Tenant
from proofwatch.instants import instant_of
from proofwatch.runtime.clock import SimulatedClock
from proofwatch.runtime.service import Service
from services.auditor.app import build as auditor
from services.auditor.config import Settings as AuditorSettings
from services.imagery.adapters.audit_tables import AuditTables
from services.imagery.adapters.consents import FollowedConsents
from services.imagery.adapters.folder_store import FolderStore
from services.imagery.adapters.policy_files import shipped_policy
from services.imagery.adapters.postgres import PostgresBroker
from services.imagery.adapters.renderer import ProcessRenderer
from services.imagery.core.facts import Flagged, Limits
from services.imagery.core.lease import Lease, Terms
from services.imagery.core.pictures import Limits as PictureLimits
from services.imagery.handlers.broker import Broker, Showing
from services.imagery.handlers.checkpoints import Checkpoints
from services.imagery.handlers.facts_now import Asked
from services.imagery.handlers.glass import BreakGlass
from services.imagery.handlers.opening import OpenPicture
from tests.unit.audit.a_log import LOG_KEY

PASSWORD: Final = "four unrelated words here"
HASH: Final = hashed(PASSWORD, "ada")
BY: Final = By(OPERATOR, "a test")
TENANT: Final = "kestrel"
CASE: Final = "5f0c6c70-5b0e-5a3e-9f0e-000000000001"
TRANSACTION: Final = "tx-1"
BEGIN_MS: Final = 1_772_442_000_000
SETTINGS: Final = {
    "tenant": TENANT,
    "contract": {"state": "active", "from": "2025-01-01"},
    "time_zone": "UTC",
    "segments": [],
    "imagery": {"store": "main", "bucket": "imagery", "prefix": "kestrel/"},
}


def a_picture(side: int = 400) -> bytes:
    """A drawn one: two rectangles."""
    image = Image.new("RGB", (side, side), (180, 200, 220))
    image.paste((90, 40, 20), (side // 4, side // 4, side // 2, side // 2))
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


class House:
    """One broker, one auditor, one analyst with one case."""

    def __init__(self, pool: "asyncpg.Pool", folder: Path) -> None:
        self.pool, self.folder = pool, folder
        self.clock = SimulatedClock(BEGIN_MS)
        self.bus = LocalBus({spec.name: spec.partitions for spec in topics.kafka_specs()}, self.clock)
        self.people, self.register = PostgresPeople(pool), PostgresRegister(pool)
        self.tables = PostgresBroker(pool)
        self.secrets: dict[str, str] = {}
        self.ids: dict[str, str] = {}
        self.tenant: Tenant | None = Tenant.from_document(SETTINGS)
        pictures = PictureLimits()
        self.store: Any = FolderStore("main", folder / "store")
        renderer = ProcessRenderer(pictures, seconds=60, cpu_seconds=60)  # the machine may be busy with other tests
        self.opening = OpenPicture(lambda name: self.tenant, {"main": self}, renderer, pictures)
        self.checkpoints = Checkpoints(self.bus, JSON, AuditTables(pool), [LOG_KEY.verifier])
        self.terms = Terms(minutes=5, views=2, view_s=5.0)
        self.fetched = 0
        self.told: list[PlatformAlert] = []
        self.bus_away = False
        self.auditor: Service | None = None
        self.tasks: list[asyncio.Task[None]] = []

    async def fetch(self, location: Any, most_bytes: int) -> bytes:
        """The store, which counts."""
        self.fetched += 1
        data: bytes = await self.store.fetch(location, most_bytes)
        return data

    async def tell(self, alert: Outgoing) -> None:
        if self.bus_away:
            raise BusUnavailable("Kafka is away")
        self.told.append(PLATFORM_ALERT.decode(alert.value))

    async def until(self, holds: Callable[[], bool]) -> None:
        """Wait for what another task does."""
        async with asyncio.timeout(30):
            while not holds():  # noqa: ASYNC110 — what is waited for tells nobody
                await asyncio.sleep(0.02)

    @property
    def now(self) -> datetime:
        return instant_of(self.clock.now_ms())

    def later(self, **by: float) -> None:
        self.clock.advance_to(self.clock.now_ms() + round(timedelta(**by).total_seconds() * 1000))

    def broker(self, limits: Limits = Limits()) -> Broker:  # noqa: B008 — immutable
        return Broker(
            self.tables,
            self.checkpoints,
            self.opening,
            shipped_policy(),
            self.clock,
            self.tell,
            FollowedConsents(self.bus),
            limits=limits,
            terms=self.terms,
        )

    def glass(self, broker: Broker) -> BreakGlass:
        return BreakGlass(self.tables, broker.facts.request, shipped_policy(), self.clock, self.tell)

    async def begin(self) -> None:
        """Start the auditor and what follows its topic."""
        given: Any = {"audit_signing_keys": LOG_KEY.text(), "audit_checkpoints_file": self.folder / "checkpoints.jsonl"}
        self.auditor = auditor(AuditorSettings(instance_id="a", **given), self.bus, self.pool, self.clock)
        await self.auditor.start()
        await self.checkpoints.start()
        self.tasks = [asyncio.create_task(self._audit()), asyncio.create_task(self.checkpoints.run())]

    async def _audit(self) -> None:
        while True:
            assert self.auditor is not None
            with suppress(BusUnavailable):  # as it does that runs by itself
                await self.auditor.step()
            await asyncio.sleep(0.02)

    async def silence(self) -> None:
        """The auditor stops."""
        self.tasks[0].cancel()
        await asyncio.gather(self.tasks[0], return_exceptions=True)

    async def end(self) -> None:
        for each in self.tasks:
            each.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        if self.auditor:
            await self.auditor.stop()
        await self.checkpoints.stop()

    async def add(self, name: str, *roles: Role, tenants: tuple[str, ...] | None = (TENANT,)) -> str:
        self.ids[name] = await self.register.add(name, roles or (Role.ANALYST,), tenants, BY, self.now)
        self.secrets[name] = await self.register.enrol(name, HASH, BY, self.now)
        return self.ids[name]

    async def sign_in(self, name: str = "ada") -> Session:
        self.later(seconds=30)
        _, session = await self.people.sign_in(name, PASSWORD, code_at(self.secrets[name], step_of(self.now)), self.now)
        return session

    async def case(self, case_id: str = CASE, transaction: str = TRANSACTION, who: str | None = "ada") -> None:
        """A flagged transaction, its picture, its case, assigned."""
        tag = sha256(case_id.encode()).hexdigest()[:32]
        path = self.folder / "store" / "imagery" / "kestrel" / transaction
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(a_picture())
        async with self.pool.acquire() as connection, connection.transaction():
            reference = f"s3://imagery/kestrel/{transaction}"
            await self.tables.flag(connection, [Flagged(TENANT, transaction, tag, reference, None, None, self.now)])
            await connection.execute(
                """insert into triage.cases(case_id, tenant, kind, subject_tag, state, severity, queue, revision,
                opened_at, changed_at) values($1, $2, 'subject', $3, 'escalated', 'high', 'soc', 1, $4, $4)""",
                case_id,
                TENANT,
                tag,
                self.now,
            )
            await connection.execute(
                """insert into triage.case_reasons(case_id, source_id, source_revision, code, at, transaction_id,
                severity, evidence) values($1, $2, 1, 'device_velocity', $3, $4, 'medium', '{}')""",
                case_id,
                f"s-{transaction}",
                self.now,
                transaction,
            )
        if who:
            await self.assign(who, case_id)

    async def assign(self, who: str, case_id: str = CASE) -> None:
        await self.pool.execute(
            "insert into triage.assignments(case_id, person_id, assigned_at, assigned_by) values($1, $2, $3, $2)",
            case_id,
            self.ids[who],
            self.now,
        )

    async def release(self, case_id: str = CASE) -> None:
        await self.pool.execute(
            "update triage.assignments set released_at = $2 where case_id = $1 and released_at is null",
            case_id,
            self.now,
        )

    async def entries(self, action: str = "imagery.") -> list[Entry]:
        """What was entered, in its order, sequenced or not."""
        rows = await self.pool.fetch(
            """select leaf from (select 0 as late, index, leaf from audit.entries
            union all select 1, pending_id, entry from audit.pending) as all_of_it order by late, index"""
        )
        found = [entry_of(bytes(row["leaf"])) for row in rows]
        return [each for each in found if each.action.startswith(action)]


def asked(case_id: str = CASE, transaction: str = TRANSACTION, reason: str = "one face, two names") -> Asked:
    return Asked(TENANT, case_id, transaction, Purpose.PROVIDE_FEATURES, reason)


@asynccontextmanager
async def somebody_before(house: House) -> AsyncIterator[None]:
    """What is asked within waits for a decision of somebody else, of a millisecond later than when it was asked."""
    connection = await house.pool.acquire()
    try:
        async with connection.transaction():
            await connection.execute("select from imagery.clock for update")
            pid = connection.get_server_pid()
            yield
            async with asyncio.timeout(30):
                while not await house.pool.fetchval(  # noqa: ASYNC110 — PostgreSQL tells nobody
                    "select exists(select from pg_stat_activity where $1 = any(pg_blocking_pids(pid)))", pid
                ):
                    await asyncio.sleep(0.01)
            house.later(seconds=0.001)
            await connection.execute("update imagery.clock set last_seen_at = $1", house.now)
    finally:
        await house.pool.release(connection)


async def all_of(showing: Showing) -> bytes:
    return b"".join([chunk async for chunk in showing.chunks])


__all__ = ["CASE", "Asked", "House", "Lease", "all_of", "asked", "somebody_before"]
