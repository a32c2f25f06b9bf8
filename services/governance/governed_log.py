"""Where a command works: everything that governs, read from the log, and a way to publish what would be accepted."""

import argparse
import asyncio
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import msgspec

from proofwatch.bus.errors import BusError
from proofwatch.bus.port import Bus, Tail
from proofwatch.bus.records import Outgoing, Record
from proofwatch.events import topics
from proofwatch.events.codec import CODECS
from proofwatch.events.types import Activation, Approval, Control, PolicyDocument, TenantDocument
from proofwatch.exits.refusals import REFUSED, WRONG
from proofwatch.governance.keyring import Keyring, load_keyring
from proofwatch.governance.records import key_of
from proofwatch.governance.regime import Refusal
from proofwatch.governance.replica import Replica
from proofwatch.runtime.clock import Clock, SystemClock
from services.governance.config import Settings

_READ_S: Final = 30.0
_TRAVEL_MS: Final = 2_000
"""How much later than our clock a record may get its log time and still be accepted."""
_PLACES: Final[dict[type, tuple[str, str]]] = {
    PolicyDocument: ("policy", topics.POLICIES),
    TenantDocument: ("tenant", topics.TENANTS),
    Approval: ("approval", topics.APPROVALS),
    Activation: ("activation", topics.ACTIVATIONS),
    Control: ("control", topics.CONTROLS),
}


class RequestRefused(Exception):
    """What was asked for cannot be done; the message is the one line that the user gets."""


@dataclass
class GovernedLog:
    """The log as it is now. `replica` knows what is in it, `now_ms` is our own clock."""

    bus: Bus
    clock: Clock
    keyring: Keyring | None
    lead_ms: int
    tail: Tail
    records: list[tuple[str, Record]] = field(default_factory=list)
    replica: Replica = field(init=False)

    def __post_init__(self) -> None:
        self.replica = Replica(self.keyring, self.lead_ms)

    @property
    def now_ms(self) -> int:
        """Return the time."""
        return self.clock.now_ms()

    def earliest_ms(self) -> int:
        """Return the earliest time from which something published now can be in force: a whole second."""
        return -(-(self.now_ms + self.lead_ms + 5 * _TRAVEL_MS) // 1000) * 1000

    async def read(self) -> None:
        """Take what has come. Raises `RequestRefused` while a transaction is open on the topics."""
        records, complete = await self.tail.catch_up(_READ_S)
        for at, record in records:
            self.records.append((at.topic, record))
            self.replica.apply(at.topic, record)
        if not complete:
            raise RequestRefused("somebody else is publishing just now; try again")

    def rehearse(self, events: Sequence[msgspec.Struct]) -> None:
        """Fold the events as if they had been published. Raises `RequestRefused` with why one would not count."""
        replica = Replica(self.keyring, self.lead_ms)
        for topic, record in self.records:
            replica.apply(topic, record)
        for number, event in enumerate(events):
            name, topic = _PLACES[type(event)]
            value = CODECS[name].encode(event)
            refusal = replica.apply(topic, Record(2**62 + number, self.now_ms + _TRAVEL_MS, key_of(event), value))
            if refusal:
                raise RequestRefused(f"nothing was published: {refusal.message} ({refusal.reason})")

    async def publish(self, events: Sequence[msgspec.Struct]) -> None:
        """Rehearse, publish, read back. Raises `RequestRefused` when the log has it and it does not count after all."""
        self.rehearse(events)
        sent = []
        for event in events:
            name, topic = _PLACES[type(event)]
            sent.append(Outgoing(topic, key_of(event), CODECS[name].encode(event)))
        await self.bus.publish(sent)
        await self.read()
        values = {out.value for out in sent}
        placed = {(topic, record.offset) for topic, record in self.records if record.value in values}
        for refusal in self.replica.refusals:
            if (refusal.topic, refusal.offset) in placed:
                raise RequestRefused(f"it was published but does not count: {describe(refusal)}; publish it anew")


def describe(refusal: Refusal) -> str:
    """Return a refusal in one line."""
    return f"{refusal.message} ({refusal.reason}; {refusal.topic} at {refusal.offset})"


@asynccontextmanager
async def open_log(args: argparse.Namespace, *, governed: bool) -> AsyncIterator[GovernedLog]:
    """Connect and read. `governed`: a keyring is needed. Raises `RequestRefused`, `BusError`, `InvalidKeyring`."""
    settings = Settings.read()
    path: Path | None = getattr(args, "keyring", None) or settings.keyring_file
    if governed and path is None:
        raise RequestRefused("the keyring is needed: give --keyring FILE or PROOFWATCH_KEYRING_FILE")
    keyring = load_keyring(path) if governed and path else None
    lead_ms = round(settings.governance_lead_seconds * 1000)
    bus = connect(settings, args.bootstrap)
    await bus.start()
    try:
        tail = bus.tail(Replica(keyring, lead_ms).topics)
        await tail.start()
        try:
            log = GovernedLog(bus, clock(), keyring, lead_ms, tail)
            await log.read()
            yield log
        finally:
            await tail.stop()
    finally:
        await bus.stop()


def connect(settings: Settings, bootstrap: str | None) -> Bus:
    """Return the bus, not yet started."""
    from proofwatch.bus.kafka.bus import KafkaBus  # checking a file needs no driver

    return KafkaBus.of(settings, "proofwatch-governance", bootstrap=bootstrap)


def clock() -> Clock:
    """Return our own clock."""
    return SystemClock()


def run_action(command: str, args: argparse.Namespace) -> int:
    """Run what the sub-command set as `act`; errors become one line and an exit code (1: refused, 2: unusable)."""
    from proofwatch.governance.keyring import InvalidKeyring
    from proofwatch.governance.policy import InvalidPolicy
    from proofwatch.governance.predicate import InvalidPredicate
    from proofwatch.governance.scope import InvalidScope
    from proofwatch.governance.tenant import InvalidTenant

    try:
        done: Any = args.act(args)
        return int(asyncio.run(done) if asyncio.iscoroutine(done) else done)
    except (InvalidKeyring, InvalidPolicy, InvalidTenant, InvalidScope, InvalidPredicate, *WRONG) as error:
        sys.stderr.write(f"proofwatch {command}: {error}\n")
        return 2
    except (RequestRefused, BusError, *REFUSED) as error:
        sys.stderr.write(f"proofwatch {command}: {error}\n")
        return 1
