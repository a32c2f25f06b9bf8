"""The replica of everything that governs: it folds records of the log and knows what was, is and will be in force.

Pure: no clock, no bus. What it answers depends on the set of records it was given, not on their order. So every
scorer, and every later replay, sees the same regime at the same log time.
"""

from collections import defaultdict
from collections.abc import Iterator
from typing import Final

from proofwatch.bus.records import Record
from proofwatch.events import topics
from proofwatch.governance import records
from proofwatch.governance.activations import Activations, Flaw
from proofwatch.governance.documents import InvalidDocument, Kind, read_document
from proofwatch.governance.keyring import Keyring, NotSigned
from proofwatch.governance.records import Refused
from proofwatch.governance.regime import FOREVER_MS, Refusal, Regime
from proofwatch.governance.signed_documents import SignedDocuments
from proofwatch.governance.timed_records import control_records, pattern_records
from proofwatch.governance.timeline import RegimeTimeline, Switch

__all__ = ["DEFAULT_LEAD_MS", "FOREVER_MS", "Refusal", "Regime", "Replica"]

DEFAULT_LEAD_MS: Final = 60_000
_RECENT: Final = 16


class Replica:
    """Folds records with `apply`, answers with `at`."""

    def __init__(
        self, keyring: Keyring | None, lead_ms: int = DEFAULT_LEAD_MS, *, documents_only: bool = False
    ) -> None:
        """`keyring` None: nothing in the log decides about policies and tenants; controls and patterns are followed.

        `documents_only`: controls and patterns are not, for who needs policies or tenants alone.

        `lead_ms`: how long a record must have been in the log before it takes effect; the same for every process.
        """
        self.lead_ms = lead_ms
        self.topics = (*(records.GOVERNED if keyring else ()), *(() if documents_only else records.FOLLOWED))
        """The topics whose records count, in the order in which they are best read."""
        self._keyring = keyring or Keyring([])
        self.documents = SignedDocuments(self._keyring)
        self.activations = Activations(self.documents, lead_ms)
        self.controls = control_records(lead_ms)
        self.patterns = pattern_records(lead_ms)
        self._timeline = RegimeTimeline(self.documents, self.activations, self.controls, self.patterns)
        self._seen: defaultdict[str, set[int]] = defaultdict(set)
        self._refusals: dict[tuple[str, int], Refusal] = {}
        self._recent: list[Regime] = []

    @property
    def refusals(self) -> tuple[Refusal, ...]:
        """Return what does not count as things stand, by topic and offset."""
        return tuple(sorted([*self._refusals.values(), *self._pending()], key=lambda r: (r.topic, r.offset)))

    def apply(self, topic: str, record: Record) -> Refusal | None:
        """Fold one record; return why it does not count, if it does not as things stand. Never raises on bad input.

        A record that is already folded changes nothing. A refusal that names what is missing is lifted when that
        arrives in time.
        """
        if topic not in self.topics or record.offset in self._seen[topic]:
            return None
        self._seen[topic].add(record.offset)
        self._recent.clear()
        try:
            flaw = self._fold(topic, record)
        except Refused as error:
            refusal = Refusal(topic, record.offset, error.reason, str(error))
            self._refusals[topic, record.offset] = refusal
            return refusal
        return Refusal(topic, record.offset, *flaw) if flaw else None

    def at(self, log_ms: int) -> Regime:
        """Return what is in force at a log time. Cheap where the last answers reach; see `Regime`."""
        for regime in self._recent:
            if regime.from_ms <= log_ms < regime.until_ms:
                return regime
        regime = self._timeline.at(log_ms)
        self._recent = [regime, *self._recent[: _RECENT - 1]]
        return regime

    def _fold(self, topic: str, record: Record) -> Flaw | None:
        match topic:
            case topics.CONTROLS:
                control = records.control_of(record)
                begun = self.controls.add(control, record.timestamp_ms, record.offset)
                about = self.controls.about(control)
                self._timeline.mark(Switch("control", about), begun.begins_ms, begun.ends_ms)
            case topics.ATTACK_PATTERNS:
                pattern = records.pattern_of(record)
                started = self.patterns.add(pattern, record.timestamp_ms, record.offset)
                about = self.patterns.about(pattern)
                self._timeline.mark(Switch("pattern", about), started.begins_ms, started.ends_ms)
            case topics.ACTIVATIONS:
                line, entry = records.activation_of(record, self._keyring, self.lead_ms)
                flaw = self.activations.add(line, entry)
                self._timeline.mark(Switch("activation", line), entry.from_ms, entry.ends_ms)
                return flaw
            case topics.APPROVALS:
                return self._approve(record)
            case _:
                self._file("policy" if topic == topics.POLICIES else "tenant", topic, record)
        return None

    def _file(self, kind: Kind, topic: str, record: Record) -> None:
        try:
            document = read_document(kind, *records.document_text(record, topic))
        except InvalidDocument as error:
            raise Refused(error.reason, str(error)) from None
        for held, reason in self.documents.add(document, record.timestamp_ms):
            refusal = Refusal(topics.APPROVALS, held.offset, reason.reason, str(reason))
            self._refusals[topics.APPROVALS, held.offset] = refusal
        self._timeline.touch(self.activations.touch(kind, document.hash))

    def _approve(self, record: Record) -> Flaw | None:
        approval = records.approval_of(record)
        kind, document_hash = approval.document_kind, approval.document_hash
        try:
            counted = self.documents.sign(approval, record.timestamp_ms, record.offset)
        except NotSigned as error:
            raise Refused(error.reason, str(error)) from None
        if not counted:
            return _unknown(kind, document_hash)
        self._timeline.touch(self.activations.touch(kind, document_hash))
        return None

    def _pending(self) -> Iterator[Refusal]:
        for held in self.documents.held():
            flaw = _unknown(held.approval.document_kind, held.approval.document_hash)
            yield Refusal(topics.APPROVALS, held.offset, *flaw)
        for line in self.activations.lines():
            for entry, flaw in self.activations.flawed(line):
                yield Refusal(topics.ACTIVATIONS, entry.offset, *flaw)


def _unknown(kind: Kind, document_hash: str) -> Flaw:
    return "unknown_document", f"{kind} {document_hash} is not in the log; propose it first"
