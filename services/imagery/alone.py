"""`python -m services.imagery.alone`: the broker of a standalone run, in a process of its own as everywhere.

It is told over standard input, in lines of JSON, what was flagged and who asks for what; it answers over standard
output what became of that, and has no other way to anybody but the run's database and its folder of pictures. No
picture leaves it. Whenever an entry is to leave, it asks for the checkpoints that have been published since, and proves
them as the broker of a deployment does.
"""

import asyncio
import sys
from base64 import b64decode
from pathlib import Path
from typing import Any, Final

import msgspec
from msgspec import Struct

from proofwatch.audit.entry import Entry
from proofwatch.audit.note import VerifierKey
from proofwatch.audit.pending import Draw
from proofwatch.bus.local.bus import LocalBus
from proofwatch.bus.postgres.pool import create_pool
from proofwatch.bus.postgres.tags import PostgresTags
from proofwatch.bus.records import Batch, Outgoing, Record, TopicPartition
from proofwatch.events import topics
from proofwatch.events.wire import JSON
from proofwatch.governance.purposes import Purpose
from proofwatch.governance.tenant import Tenant
from proofwatch.runtime.clock import SimulatedClock
from proofwatch.simulation.drawn import seeded
from services.imagery.adapters.audit_tables import AuditTables
from services.imagery.adapters.consents import FollowedConsents
from services.imagery.adapters.folder_store import FolderStore
from services.imagery.adapters.policy_files import shipped_policy
from services.imagery.adapters.postgres import PostgresBroker
from services.imagery.adapters.renderer import ProcessRenderer
from services.imagery.core.pictures import Limits
from services.imagery.handlers.broker import Broker
from services.imagery.handlers.checkpoints import Checkpoints
from services.imagery.handlers.facts_now import Asked
from services.imagery.handlers.flags import FlagsStage
from services.imagery.handlers.opening import OpenPicture
from services.imagery.handlers.refusals import Denied, Unavailable
from services.imagery.ports import Undelivered

_DRAWN_WITHIN_S: Final = 60
"""A picture of a hundred pixels: it takes that long only where the machine has none to spare."""


class Asking(Struct, frozen=True, forbid_unknown_fields=True):
    """A person with a session asks for the picture of a transaction, for a case."""

    session_id: str
    case_id: str
    transaction_id: str
    reason: str


class Job(Struct, frozen=True, forbid_unknown_fields=True):
    """What the run tells, once.

    `suspicion`: as the topic has it (base64), with the time it was logged at. `settings`: the tenant's. `log_key`: the
    public one.
    """

    dsn: str
    folder: str
    store: str
    settings: dict[str, Any]
    log_key: str
    tag_secret: str
    suspicion: str
    logged_ms: int
    now_ms: int
    seed: str
    asks: tuple[Asking, ...]


class Answer(Struct, frozen=True):
    """What became of one question: `view_id` of what was opened, with how many bytes; else why not."""

    view_id: str | None
    bytes: int
    code: str
    sentence: str


_decode: Final = msgspec.json.Decoder(Job).decode
_decode_published: Final = msgspec.json.Decoder(list[str]).decode


class AskedFirst:
    """See `ports.Departures`: asks the run to sequence what is pending, and takes the checkpoints that it published."""

    def __init__(self, bus: LocalBus, checkpoints: Checkpoints) -> None:
        self._bus, self._checkpoints = bus, checkpoints

    async def left(self, intent: Entry, within_s: float) -> None:
        """Return once a published checkpoint proves that the entry is in the log. Raises `NotLeft`."""
        _say({"sequence": True})
        published = map(b64decode, _decode_published(await _line()))
        await self._bus.publish([Outgoing(topics.AUDIT_CHECKPOINTS, b"", value) for value in published])
        await self._checkpoints.step()
        await self._checkpoints.left(intent, within_s)


async def answered(job: Job) -> list[Answer]:
    """Flag what is to be flagged, ask for each, and say what became of it."""
    clock, draw = SimulatedClock(job.now_ms), seeded(job.seed)
    bus = LocalBus({spec.name: 1 for spec in topics.kafka_specs()}, clock)
    key, tenant = VerifierKey.parse(job.log_key), Tenant.from_document(job.settings)
    pool = await create_pool(job.dsn, max_size=2, alone=True)
    async with pool:
        tables = PostgresBroker(pool)
        await _flag(tables, job)
        checkpoints = Checkpoints(bus, JSON, AuditTables(pool), [key])
        await checkpoints.start()
        renderer = ProcessRenderer(Limits(), seconds=_DRAWN_WITHIN_S, cpu_seconds=_DRAWN_WITHIN_S)
        opening = OpenPicture(
            lambda name: tenant if name == tenant.tenant else None,
            {job.store: FolderStore(job.store, Path(job.folder))},
            renderer,
            Limits(),
        )

        async def tell(alert: Outgoing) -> None:
            await bus.publish([alert])

        broker = Broker(
            tables, AskedFirst(bus, checkpoints), opening, shipped_policy(), clock, tell, FollowedConsents(bus),
            name=lambda: _name(draw), draw=draw,
        )  # fmt: skip
        found = [await _one(broker, tenant.tenant, each) for each in job.asks]
        await checkpoints.stop()
    return found


async def _flag(tables: PostgresBroker, job: Job) -> None:
    record = Record(0, job.logged_ms, b"", b64decode(job.suspicion))
    batch = Batch(TopicPartition(topics.SUSPICIONS, 0), [record], 0, 1, job.logged_ms, job.now_ms)
    async with tables.transaction() as tx:
        await FlagsStage(tables, PostgresTags(None), b64decode(job.tag_secret)).step(batch, tx)


async def _one(broker: Broker, tenant: str, asking: Asking) -> Answer:
    asked = Asked(tenant, asking.case_id, asking.transaction_id, Purpose.PROVIDE_FEATURES, asking.reason)
    try:
        lease = await broker.lease(asking.session_id, asked)
        showing = await broker.show(asking.session_id, lease.lease_id, sharp=False)
        sent = sum([len(chunk) async for chunk in showing.chunks])
    except (Denied, Undelivered) as error:
        return Answer(None, 0, error.code, str(error))
    except Unavailable as error:
        return Answer(None, 0, "unavailable", str(error))
    return Answer(showing.view.view_id, sent, "", "")


def _name(draw: Draw) -> str:
    return draw(12).hex()


async def _line() -> bytes:
    return await asyncio.to_thread(sys.stdin.buffer.readline)


def _say(what: object) -> None:
    sys.stdout.buffer.write(msgspec.json.encode(what) + b"\n")
    sys.stdout.buffer.flush()


async def _main() -> None:
    job = _decode(await _line())
    _say({"answers": await answered(job)})


if __name__ == "__main__":
    asyncio.run(_main())
