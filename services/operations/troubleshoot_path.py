"""Where a transaction was seen: on which topics and in which tables, when, and what became of it there."""

import re
from collections.abc import AsyncIterator, Callable, Mapping
from datetime import datetime
from typing import Any, Final, NamedTuple

from proofwatch.bus.dead_letters.letter import read_headers
from proofwatch.bus.errors import UnknownTopic
from proofwatch.bus.port import Bus
from proofwatch.bus.records import Record, TopicPartition
from proofwatch.events import topics
from proofwatch.events.codec import GUIDANCE, LABEL, SUSPICION, TRANSACTION, VERDICT, Codec
from proofwatch.events.rejected import Rejected
from proofwatch.events.topics import dead_letter_topic
from proofwatch.events.wire import Wire
from proofwatch.instants import instant_of

GROUP: Final = "troubleshoot"  # never joined: only the view of what lies before a position is used
_CODECS: Final[Mapping[str, Codec[Any]]] = {
    topics.TRANSACTIONS: TRANSACTION,
    topics.VERDICTS: VERDICT,
    topics.GUIDANCE: GUIDANCE,
    topics.SUSPICIONS: SUSPICION,
    topics.LABELS: LABEL,
}
_LETTERS: Final = (topics.TRANSACTIONS, topics.VERDICTS, topics.SUSPICIONS, topics.LABELS)
LOOKED_AT: Final = (*_CODECS, *map(dead_letter_topic, _LETTERS))
_PLAIN: Final = re.compile(rb"[A-Za-z0-9_.:-]+")
_APART_BEFORE, _APART_BEHIND = rb"(?<![A-Za-z0-9_.:-])", rb"(?![A-Za-z0-9_.:-])"
_LEDGER: Final = """
select logged_ms, decision, pair_class, pair_minus_logged_ms, presentation_class, presentation_minus_logged_ms
from ledger.transactions where tenant = $1 collate "C" and transaction_id = $2 collate "C" """
_CASES: Final = """
select r.at, r.code, c.case_id, c.state, c.severity from triage.case_reasons r join triage.cases c using (case_id)
where c.tenant = $1 and r.transaction_id = $2 order by r.at, r.code"""
_FLAGGED: Final = "select flagged_at from imagery.flagged where tenant = $1 and transaction_id = $2"
_VIEWS: Final = """
select v.intended_at, v.state from imagery.views v join imagery.leases l using (lease_id)
where l.tenant = $1 and l.transaction_id = $2 order by v.intended_at"""


class Seen(NamedTuple):
    """One place where the transaction was seen. `at` None: the place does not say when."""

    at: datetime | None
    where: str
    what: str


class OnTopics(NamedTuple):
    """Where it lies on topics, and whose it is by the events."""

    path: list[Seen]
    subject_refs: set[str]


async def on_topics(bus: Bus, wire: Wire, tenant: str, transaction_id: str, since_ms: int) -> OnTopics:
    """Return where it lies on the topics, refused records too, with the log's own times. Raises `BusError`."""
    found, whose = [], set[str]()
    for topic, codec in _CODECS.items():
        decode = wire.decoder(codec)
        async for at, record in _likely(bus, topic, tenant, transaction_id, since_ms):
            await wire.prepare([record.value])
            try:
                event = decode(record.value)
            except Rejected:
                continue  # it is on the dead-letter topic, with the reason
            if event.tenant == tenant and event.transaction_id == transaction_id:
                found.append(Seen(instant_of(record.timestamp_ms), _place(at, record), _told(topic, event)))
                whose |= {event.subject_ref} if topic != topics.LABELS else set()
    for topic in _LETTERS:
        decode = wire.decoder(_CODECS[topic])
        async for at, record in _likely(bus, dead_letter_topic(topic), tenant, transaction_id, since_ms):
            await wire.prepare([record.value])
            if _is_about(decode, record, transaction_id):
                said = read_headers(record.headers)
                why = f"refused by {said.stage}: {said.reason}, {said.message}" if said else "refused"
                found.append(Seen(instant_of(record.timestamp_ms), _place(at, record), why))
    return OnTopics(found, whose)


def _is_about(decode: Callable[[bytes | None], Any], record: Record, transaction_id: str) -> bool:
    """Return whether a refused record names the transaction; of one that cannot be read, whether its name stands there
    as a word of its own.
    """
    try:
        return bool(decode(record.value).transaction_id == transaction_id)
    except Rejected:
        word = _longest(transaction_id)
        return re.search(_APART_BEFORE + re.escape(word) + _APART_BEHIND, record.value or b"") is not None


async def in_tables(connection: Any, tenant: str, transaction_id: str) -> list[Seen]:
    """Return what ledger, triage and the imagery broker know of it; who looked at pictures, the audit log says."""
    found = []
    row = await connection.fetchrow(_LEDGER, tenant, transaction_id)
    if row is not None:
        logged_ms, decision, pair, pair_ms, presentation, presentation_ms = row
        if logged_ms is not None:
            found.append(Seen(instant_of(logged_ms), "ledger.transactions", f"counted as {decision}"))
        for what, minus_ms in ((pair, pair_ms), (presentation, presentation_ms)):
            if what is not None:
                at = None if minus_ms is None else instant_of(-minus_ms)
                found.append(Seen(at, "ledger.transactions", f"labelled {what.replace('_', ' ')}"))
    for at, code, case_id, state, severity in await connection.fetch(_CASES, tenant, transaction_id):
        reason = code.replace("_", " ")
        found.append(Seen(at, "triage.case_reasons", f"{reason}: case {case_id}, {state}, {severity} severity"))
    flagged = await connection.fetchval(_FLAGGED, tenant, transaction_id)
    if flagged is not None:
        found.append(Seen(flagged, "imagery.flagged", "its imagery may be asked for"))
    for at, state in await connection.fetch(_VIEWS, tenant, transaction_id):
        found.append(Seen(at, "imagery.views", f"its imagery was asked for: {state.replace('_', ' ')}"))
    return found


async def _likely(
    bus: Bus, topic: str, tenant: str, transaction_id: str, since_ms: int
) -> AsyncIterator[tuple[TopicPartition, Record]]:
    """Yield records of the tenant that may be about the transaction: its name, or the longest plain part, is there."""
    needle = _longest(transaction_id)
    prefix = f"{tenant}/".encode()
    try:
        ends = await bus.ends(topic)
    except UnknownTopic:
        return
    for number, end in sorted(ends.items()):
        at = TopicPartition(topic, number)
        async for records in bus.consumer(GROUP, [topic]).history(at, end).since(since_ms):
            for record in records:
                key = record.key or b""
                if key.startswith(prefix) and (needle in (record.value or b"") or needle in key):
                    yield at, record


def _longest(transaction_id: str) -> bytes:
    """Return the longest part of a name that is written alike in every format."""
    return max(_PLAIN.findall(transaction_id.encode()), key=len, default=b"")


def _place(at: TopicPartition, record: Record) -> str:
    return f"{at.topic}/{at.partition}/{record.offset}"


def _told(topic: str, event: Any) -> str:
    """Return what an event says happened; no score, no reference."""
    attempt = f" (attempt {event.attempt_id})" if getattr(event, "attempt_id", None) else ""
    match topic:
        case topics.TRANSACTIONS:
            return f"arrived{attempt}; it took place at {event.occurred_at:%Y-%m-%d %H:%M:%S %Z}"
        case topics.VERDICTS:
            action = "" if event.action == "none" else f", {event.action.replace('_', ' ')}"
            return f"judged{attempt}: {event.decision}{action}"
        case topics.GUIDANCE:
            return f"upstream was told{attempt}: {event.action.replace('_', ' ')}"
        case topics.SUSPICIONS:
            return f"suspected: {event.reason.replace('_', ' ')}, {event.severity} severity"
    said = [each.replace("_", " ") for each in (event.pair, event.presentation) if each]
    return f"labelled by authority {event.authority}: {', '.join(said) or 'nothing'}"
