"""Finds a transaction on the bus: its verdict, its event, and the policy that the verdict rests on."""

import re
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from typing import Final

import msgspec

from proofwatch.bus.errors import UnknownTopic
from proofwatch.bus.partitioner import partition_of
from proofwatch.bus.port import Bus
from proofwatch.bus.records import Record, TopicPartition
from proofwatch.events import topics
from proofwatch.events.codec import POLICY, TRANSACTION, VERDICT
from proofwatch.events.rejected import Rejected
from proofwatch.events.types import Transaction, Verdict
from proofwatch.events.wire import JSON, Wire
from proofwatch.governance.documents import InvalidDocument, read_document
from proofwatch.governance.policy import Policy

GROUP: Final = "explain"  # never joined: only the view of what lies before a position is used
_PLAIN: Final = re.compile(rb"[A-Za-z0-9_.:-]+")
Progress = Callable[[int, int | None], None]


class NotFound(Exception):
    """The transaction, its event or its policy is nowhere; the message says where was looked."""


class Unreadable(Exception):
    """The published verdict is there, and is no verdict."""


@dataclass(frozen=True, slots=True)
class Published:
    """A verdict as it was published: its content, its JSON, and where it lies."""

    verdict: Verdict
    value: bytes
    place: str


class Search:
    """Looks through the topics up to the end that they have when asked."""

    def __init__(
        self,
        bus: Bus,
        *,
        wire: Wire = JSON,
        transactions: str = topics.TRANSACTIONS,
        verdicts: str = topics.VERDICTS,
        policies: str = topics.POLICIES,
        since_ms: int = 0,
        progress: Progress = lambda done, total: None,
    ) -> None:
        """`since_ms`: log time before which nothing is looked at."""
        self._bus = bus
        self._wire = wire
        self._transactions, self._verdicts, self._policies = transactions, verdicts, policies
        self._since_ms = since_ms
        self._progress = progress

    async def verdict(
        self, transaction_id: str, tenant: str | None, subject: str | None, attempt_id: str | None = None
    ) -> Published:
        """Return the first verdict on a transaction, or on the attempt of it: the one that upstream acted on.

        `subject` (with `tenant`) names the partition; without it all are read. Raises `NotFound`, `Unreadable`.
        """
        decode = self._wire.decoder(VERDICT)
        key = None if subject is None or tenant is None else f"{tenant}/{subject}".encode()
        needle = max(_PLAIN.findall(transaction_id.encode()), key=len, default=b"")
        quoted = msgspec.json.encode(transaction_id)
        prefix = None if tenant is None else f"{tenant}/".encode()
        async for at, records in self._read(self._verdicts, key):
            likely = [r for r in records if r.value is not None and needle in r.value and (not key or r.key == key)]
            await self._wire.prepare(record.value for record in likely)
            for record in likely:
                if prefix and not (record.key or b"").startswith(prefix):
                    continue
                place = f"{self._verdicts}/{at}/{record.offset}"
                try:
                    verdict = decode(record.value)
                except Rejected as error:
                    if quoted not in (record.value or b""):
                        continue  # about another transaction
                    raise Unreadable(f"{place} names {transaction_id!r} and is no verdict: {error.message}") from error
                if attempt_id not in (None, verdict.attempt_id):
                    continue
                if verdict.transaction_id == transaction_id and tenant in (None, verdict.tenant):
                    return Published(verdict, _json(record, verdict), place)
        where = f"partition {await self._partition(self._verdicts, key)}" if key else "any partition"
        raise NotFound(f"no verdict on {transaction_id!r} in {where} of {self._verdicts}; see --since and --tenant")

    async def events(self, verdict: Verdict) -> list[Transaction]:
        """Return the events of the verdict's transaction in log order. Raises `NotFound`."""
        decode, found = self._wire.decoder(TRANSACTION), []
        key = f"{verdict.tenant}/{verdict.subject_ref}".encode()
        async for _, records in self._read(self._transactions, key):
            own = [record for record in records if record.key == key]
            await self._wire.prepare(record.value for record in own)
            for record in own:
                try:
                    event = decode(record.value)
                except Rejected:
                    continue  # a dead letter
                if event.transaction_id == verdict.transaction_id:
                    found.append(event)
        if not found:
            raise NotFound(
                f"the event of {verdict.transaction_id!r} is not in {self._transactions} (any more); its retention "
                "may have passed: give the event itself with --event FILE"
            )
        return found

    async def policy(self, policy_hash: str) -> Policy | None:
        """Return the policy document of this hash, None when the topic does not have it."""
        decode, key = self._wire.decoder(POLICY), policy_hash.encode()
        try:
            async for _, records in self._read(self._policies, key, since_ms=0):
                own = [record for record in records if record.key == key and record.value is not None]
                await self._wire.prepare(record.value for record in own)
                for record in own:
                    try:
                        document = read_document("policy", policy_hash, decode(record.value).document.encode())
                    except (Rejected, InvalidDocument):
                        continue  # not what its key says
                    if isinstance(document.content, Policy):
                        return document.content
        except UnknownTopic:
            return None
        return None

    async def _read(
        self, topic: str, key: bytes | None, since_ms: int | None = None
    ) -> AsyncIterator[tuple[int, Sequence[Record]]]:
        ends = await self._bus.ends(topic)
        partitions = sorted(ends) if key is None else [await self._partition(topic, key)]
        total, before = sum(ends[at] for at in partitions), 0
        for at in partitions:
            history = self._bus.consumer(GROUP, [topic]).history(TopicPartition(topic, at), ends[at])
            async for records in history.since(self._since_ms if since_ms is None else since_ms):
                yield at, records
                self._progress(before + records[-1].offset + 1, total)
            before += ends[at]
            self._progress(before, total)

    async def _partition(self, topic: str, key: bytes) -> int:
        return partition_of(key, await self._bus.partitions(topic))


def _json(record: Record, verdict: Verdict) -> bytes:
    """Return the record's own bytes where they are plain JSON; a framed one's content as JSON."""
    value = record.value or b""
    return value if value.startswith(b"{") else VERDICT.encode(verdict)
