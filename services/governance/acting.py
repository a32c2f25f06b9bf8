"""Who turns a measure on or off, or publishes a pattern: on record before it is published, for nobody signs it."""

import argparse

from proofwatch.audit.entry import Object
from proofwatch.exits.asking import asking
from proofwatch.exits.opening import through_door
from proofwatch.exits.standing import OF_THE_PLATFORM
from proofwatch.exits.table import Exit
from services.governance.config import Settings


async def on_record(args: argparse.Namespace, exit_: Exit, tenant: str | None, *about: Object) -> None:
    """Return once it is. Raises what the door does (`exits.refusals`), and `BusError`."""
    asked = asking(args)
    async with through_door(Settings.read(), exit_, tenant, asked, dsn=args.dsn, found=OF_THE_PLATFORM, about=about):
        return
