"""Devices as a process of its own under names of one test alone: `python -m …process BOOTSTRAP SUFFIX`."""

import asyncio
import sys
from typing import Any

from proofwatch.events import topics
from services.devices import app, handlers

NAMES = ("onboarding.transactions.v1", "onboarding.device-proofs.v1", "soc.suspicions.v1")


def rename(suffix: str) -> None:
    """Let the service read and write topics, and join groups, with this suffix: the broker is shared."""
    transactions, proofs, suspicions = (name + suffix for name in NAMES)
    ours: tuple[tuple[Any, str, str], ...] = (
        (app, "GROUP", app.GROUP + suffix),
        (app, "REKEY", app.REKEY + suffix),
        (topics, "TRANSACTIONS", transactions),
        (topics, "DEVICE_PROOFS", proofs),
        (handlers, "DEVICE_PROOFS", proofs),
        (handlers, "SUSPICIONS", suspicions),
    )
    for module, name, value in ours:
        setattr(module, name, value)


async def _run(bootstrap: str) -> None:
    settings = app.Settings(kafka_bootstrap=bootstrap, batch_max_records=15, instance_id="devices-0")
    service = await app.connect(settings)
    await service.start()
    await service.run()


if __name__ == "__main__":
    rename(sys.argv[2])
    asyncio.run(_run(sys.argv[1]))
