"""Transactions that upstream sent, for what looks back for them; and triage's process at work meanwhile."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import msgspec

from proofwatch.bus.records import Outgoing
from proofwatch.events import topics
from proofwatch.events.types import Device
from tests.integration.console.house import Console
from tests.integration.triage.test_clusters import on
from tests.unit.scorer.samples import transaction

FARM: Final = Device(model="A-1801", os="android")


async def upstream(console: Console, number: int, device: Device, transaction_id: str, subject: str) -> None:
    """Upstream sends a transaction of an hour ago."""
    event = msgspec.structs.replace(
        transaction(number, subject, 60.0 * number, device=device), transaction_id=transaction_id, tenant="acme"
    )
    key, at = f"acme/{subject}".encode(), console.now_ms() - 3_600_000 + number
    await console.triage.bus.publish([Outgoing(topics.TRANSACTIONS, key, msgspec.json.encode(event), None, at)])


async def traffic(console: Console) -> None:
    """Five of a farm that cases have, thirty honest ones, and three of the farm that nobody has seen."""
    for number in range(1, 6):
        of_case = on(number, model="A-1801")
        await upstream(console, number, FARM, of_case.transaction_id, of_case.subject_ref)
    for number in range(10, 40):
        await upstream(console, number, Device(model=f"B-{number}", os="android"), f"tx-{number}", f"s-{number}")
    for number in range(50, 53):
        await upstream(console, number, FARM, f"tx-{number}", f"f-{number}")


@asynccontextmanager
async def working(console: Console) -> AsyncIterator[None]:
    """Let triage's process work meanwhile."""

    async def works() -> None:
        while True:
            await console.triage.service.step(idle=True)
            await console.triage.settle()
            await asyncio.sleep(0.2)

    task = asyncio.create_task(works())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
