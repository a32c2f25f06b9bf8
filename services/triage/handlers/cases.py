"""The stage of triage: decode, load the cases concerned, apply, save, and return the escalations."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final, Generic, TypeVar

import msgspec

from proofwatch.bus.records import Batch, Outgoing, Output, Record, Rejection, TopicPartition
from proofwatch.bus.stage import History
from proofwatch.events import codec, topics
from proofwatch.events.rejected import Rejected
from proofwatch.events.types import AttackPattern, Escalation, Label, PlatformAlert
from proofwatch.events.wire import JSON, Wire
from proofwatch.governance.records import key_of
from proofwatch.instants import instant_of
from proofwatch.privacy.marks import subject_mark
from proofwatch.privacy.suppression import Whose, brings_back
from proofwatch.privacy.tags import Tags
from proofwatch.runtime.clock import Clock
from services.triage.core.due import alerts_of
from services.triage.core.signals import Signal, from_alert, from_incident, from_suspicion
from services.triage.core.traits import scope_of, traits_of
from services.triage.core.unit_of_work import UnitOfWork
from services.triage.handlers.attempts import Attempts
from services.triage.handlers.clusters import Clusters
from services.triage.handlers.patterns import Hits
from services.triage.ports import CaseStore, Dealer, Noted, Unsent, Wanted

Tx = TypeVar("Tx")

_Read = tuple[Record, Signal | Rejected | None]
_SPEAKER: Final = TopicPartition(topics.SUSPICIONS, 0)
"""The lane that sends what people's acts are to send, and that makes clusters."""
_MOST_UNSENT: Final = 1000
_MOST_OVERDUE: Final = 10_000
_ESCALATION: Final = msgspec.json.Decoder(Escalation)
_LABEL: Final = msgspec.json.Decoder(Label)
_PATTERN: Final = msgspec.json.Decoder(AttackPattern)
_MAX_ID: Final = 128
_MAX_REVISION: Final = 2**63 - 1


class TriageStage(Generic[Tx]):
    """Turns suspicions, incidents and alerts of access into cases and escalations. It keeps nothing between batches."""

    def __init__(
        self,
        cases: CaseStore[Tx],
        tags: Tags[Tx],
        secret: bytes,
        escalate_at_reasons: int,
        clock: Clock,
        wire: Wire = JSON,
        *,
        clusters: Clusters[Tx],
        hits: Hits[Tx],
        attempts: Attempts[Tx],
        clocked: bool = True,
        dealer: Dealer[Tx] | None = None,
    ) -> None:
        """`secret` is the deployment's for marks (`privacy.marks`); `tags` of subjects are asked for by marks.

        `clocked`: whether any kind of case has a due time; `dealer`: who gives new ones to people, None: nobody does.
        """
        self._dealer = dealer
        self._clock, self._clocked, self._clusters, self._hits = clock, clocked, clusters, hits
        self._attempts = attempts
        self._cases, self._tags = cases, tags
        self._secret = secret
        self._escalate_at_reasons = escalate_at_reasons
        self._incident, self._suspicion = wire.decoder(codec.INCIDENT), wire.decoder(codec.SUSPICION)
        self._alert = wire.decoder(codec.PLATFORM_ALERT)
        self._alerting = wire.encoder(codec.PLATFORM_ALERT)
        self._escalation, self._label = wire.encoder(codec.ESCALATION), wire.encoder(codec.LABEL)
        self._pattern = wire.encoder(codec.ATTACK_PATTERN)

    async def opened(self, source: TopicPartition, position: int, history: History) -> None:
        """Nothing to load: the cases are in the database."""

    async def closed(self, source: TopicPartition) -> None:
        """Nothing to forget."""

    async def step(self, batch: Batch, tx: Tx) -> Sequence[Output]:
        """Apply the batch; return rejections and escalations, in the order of the records."""
        if batch.source.topic == topics.VERDICTS:
            return await self._attempts.step(batch, tx)
        if batch.source.topic == topics.PATTERN_HITS:
            return await self._hits.step(batch, tx)
        if batch.source.topic == topics.ATTACK_PATTERNS:
            return await self._hits.learn(batch, tx)
        read = await self._alive([(record, self._read(batch.source, record)) for record in batch.records], tx)
        read, keyed = await self._tagged(read, tx)
        signals = [signal for _, signal in read if isinstance(signal, Signal)]
        cases = await self._cases.load(Wanted.of(signals), tx) if signals else ()
        work = UnitOfWork(cases, self._escalate_at_reasons)
        output: list[Output] = [*await self._said(batch.source, tx)]
        noted: list[Noted] = []
        for record, signal in read:
            if isinstance(signal, Rejected):
                output.append(Rejection.of(record, signal))
            elif signal is not None:
                logged_at = instant_of(record.timestamp_ms)
                case, _, escalation, _ = work.apply(signal, logged_at)
                if escalation:
                    output.append(self._outgoing(escalation, record.timestamp_ms))
                if case and signal.traits:
                    noted.append(Noted(case.case_id, signal.traits, signal.cause.at, logged_at))
        await self._cases.save(work.changed, work.transitions, tx, keyed=keyed)
        await self._clusters.keep(noted, signals, tx)
        if batch.source == _SPEAKER:
            output += await self._joined(tx)
        return output

    async def _joined(self, tx: Tx) -> Sequence[Outgoing]:
        """Make clusters, then give what belongs to none to people; return what is told of it."""
        told = [self._outgoing(*each) for each in await self._clusters.join(tx)]
        if self._dealer:
            await self._dealer.deal(instant_of(self._clock.now_ms()), tx)
        return told

    async def _said(self, source: TopicPartition, tx: Tx) -> Sequence[Outgoing]:
        """Return what people's acts are to send, and what is overdue; one lane does it, idle or not, so in order."""
        if source != _SPEAKER:
            return []
        said = [self._of_act(each) for each in await self._cases.unsent(_MOST_UNSENT, tx)]
        now = instant_of(self._clock.now_ms())
        overdue = await self._cases.overdue(now, _MOST_OVERDUE, tx) if self._clocked else ()
        return [*said, *(self._of_alert(each) for each in alerts_of(overdue, now))]

    def _of_alert(self, alert: PlatformAlert) -> Outgoing:
        return Outgoing(topics.PLATFORM_ALERTS, alert.service.encode(), self._alerting(alert))

    def _of_act(self, unsent: Unsent) -> Outgoing:
        if unsent.kind == "escalation":
            told = _ESCALATION.decode(unsent.body)
            return Outgoing(topics.ESCALATIONS, f"{told.tenant}/{told.case_id}".encode(), self._escalation(told))
        if unsent.kind == "pattern":
            pattern = _PATTERN.decode(unsent.body)
            return Outgoing(topics.ATTACK_PATTERNS, key_of(pattern), self._pattern(pattern))
        label = _LABEL.decode(unsent.body)
        return Outgoing(topics.LABELS, f"{label.tenant}/{label.transaction_id}".encode(), self._label(label))

    async def _alive(self, read: Sequence[_Read], tx: Tx) -> Sequence[_Read]:
        """Leave out what happened to subjects who were erased since: it must not bring them back."""
        subjects = _subjects(read)
        erased = await self._cases.erased(subjects, tx) if subjects else {}
        if not erased:
            return read
        return [
            (record, each)
            for record, each in read
            if not isinstance(each, Signal)
            or not brings_back(erased, (each.tenant, each.subject_tag or ""), each.cause.at)
        ]

    async def _tagged(self, read: Sequence[_Read], tx: Tx) -> tuple[Sequence[_Read], bool]:
        """Give subjects their tags in place of their marks; return also whether those are under data keys."""
        subjects = _subjects(read)
        if not subjects:
            return read, False
        tags, keyed = await self._tags.of(tx, subjects)

        def tagged(each: Signal | Rejected | None) -> Signal | Rejected | None:
            if not isinstance(each, Signal) or each.subject_tag is None:
                return each
            return replace(each, subject_tag=tags[each.tenant, each.subject_tag])

        return [(record, tagged(each)) for record, each in read], keyed

    def _read(self, source: TopicPartition, record: Record) -> Signal | Rejected | None:
        """Return what a record says; None: nothing that a case is made of, as most alerts do."""
        try:
            found = self._decode(source, record)
            return found and _storable(found)
        except Rejected as rejected:
            return rejected

    def _decode(self, source: TopicPartition, record: Record) -> Signal | None:
        try:
            if source.topic == topics.PLATFORM_ALERTS:
                return from_alert(self._alert(record.value))
            if source.topic == topics.INCIDENTS:
                incident = self._incident(record.value)
                return replace(from_incident(incident), scope=scope_of(incident, self._secret))
            suspicion = self._suspicion(record.value)
            mark = subject_mark(self._secret, suspicion.tenant, suspicion.subject_ref)
            return replace(from_suspicion(suspicion, mark), traits=traits_of(suspicion, self._secret))
        except OverflowError:
            raise Rejected("schema_mismatch", "a date-time must lie within the years 1 to 9999 in UTC") from None

    def _outgoing(self, escalation: Escalation, timestamp_ms: int) -> Outgoing:
        return Outgoing(
            topic=topics.ESCALATIONS,
            key=f"{escalation.tenant}/{escalation.case_id}".encode(),
            value=self._escalation(escalation),
            timestamp_ms=timestamp_ms,
        )


def _subjects(read: Sequence[_Read]) -> set[Whose]:
    return {(each.tenant, each.subject_tag) for _, each in read if isinstance(each, Signal) and each.subject_tag}


def _storable(signal: Signal) -> Signal:
    """Return the signal. Raises `Rejected` where JSON allows what PostgreSQL cannot keep."""
    cause, rate = signal.cause, signal.rate
    texts = [cause.source_id, cause.transaction_id, cause.code, *cause.evidence]
    if rate:
        texts += [rate.cohort.segment_name, rate.cohort.segment_value, rate.metric]
    if signal.news:
        texts.append(signal.news.into)
    if signal.access:
        of = signal.access.of
        texts += [of.case_id, of.grant_id, of.person, of.second_person, of.granted_to]
    if any("\0" in text for text in texts if text):
        raise Rejected("schema_mismatch", "text must not contain the character U+0000")
    if not 0 < len(cause.source_id) <= _MAX_ID:  # it is indexed, and an index entry has a largest size
        raise Rejected("schema_mismatch", f"the event's id must be text of 1 to {_MAX_ID} characters")
    if cause.source_revision > _MAX_REVISION:
        raise Rejected("schema_mismatch", f"$.revision: must be a whole number from 1 to {_MAX_REVISION}")
    return signal
