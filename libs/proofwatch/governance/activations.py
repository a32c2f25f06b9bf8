"""When which document is in force for whom: one sorted timeline for each kind, mode and scope."""

from bisect import bisect_right, insort
from collections import defaultdict
from collections.abc import Iterator
from operator import attrgetter
from typing import NamedTuple

from proofwatch.events.enumerations import ActivationMode
from proofwatch.events.types import Activation
from proofwatch.governance.documents import Kind
from proofwatch.governance.signed_documents import SignedDocuments
from proofwatch.governance.tenant import TRANSITIONS, State, Tenant

Mode = ActivationMode


class TimelineKey(NamedTuple):
    """Which timeline."""

    kind: Kind
    mode: Mode
    scope: str


class Entry(NamedTuple):
    """One validly signed, timely activation. Sorts by when it takes effect, then by its place in the log."""

    from_ms: int
    offset: int
    ends_ms: int
    hash: str
    log_ms: int
    activation: Activation
    person: str

    def holds(self, at_ms: int) -> bool:
        """Return whether `at_ms` lies within the activation's own time."""
        return self.from_ms <= at_ms < self.ends_ms


Flaw = tuple[str, str]
"""Why an activation does not take effect: reason and message."""


class Activations:
    """All timelines. What counts is the set of records, not the order in which they were read.

    An activation takes effect when its document and the signatures of two people had been in the log for the lead
    time by then. Of one live scope the activation that took effect last decides, even when it has ended: then the
    scope has no policy of its own. Shadows of one scope stand beside each other, one for each document.
    """

    def __init__(self, documents: SignedDocuments, lead_ms: int) -> None:
        self._documents = documents
        self._lead_ms = lead_ms
        self._entries: dict[TimelineKey, list[Entry]] = {}
        self._judged: dict[TimelineKey, tuple[list[Entry], list[tuple[Entry, Flaw]]]] = {}
        self._lines_of: defaultdict[tuple[Kind, str], set[TimelineKey]] = defaultdict(set)

    def add(self, line: TimelineKey, entry: Entry) -> Flaw | None:
        """Take an activation; return what is wrong with it as things stand."""
        insort(self._entries.setdefault(line, []), entry, key=_order)
        self._lines_of[line.kind, entry.hash].add(line)
        self._judged.pop(line, None)
        return next((flaw for flawed, flaw in self.flawed(line) if flawed is entry), None)

    def touch(self, kind: Kind, document_hash: str) -> frozenset[TimelineKey]:
        """Judge anew what activates this document; return the timelines concerned."""
        lines = frozenset(self._lines_of.get((kind, document_hash), ()))
        for line in lines:
            self._judged.pop(line, None)
        return lines

    def lines(self) -> Iterator[TimelineKey]:
        """Yield every timeline that has an activation."""
        yield from self._entries

    def effective(self, line: TimelineKey) -> list[Entry]:
        """Return the activations that take effect, in order."""
        return self._judge(line)[0]

    def flawed(self, line: TimelineKey) -> list[tuple[Entry, Flaw]]:
        """Return the activations that do not take effect, and why."""
        return self._judge(line)[1]

    def live(self, line: TimelineKey, at_ms: int) -> Entry | None:
        """Return the activation in force at `at_ms`."""
        entries = self.effective(line)
        index = bisect_right(entries, at_ms, key=attrgetter("from_ms"))
        return entries[index - 1] if index and entries[index - 1].holds(at_ms) else None

    def beside(self, line: TimelineKey, at_ms: int) -> tuple[Entry, ...]:
        """Return the shadow activations in force at `at_ms`: the last of each document, unless it has ended."""
        last = {entry.hash: entry for entry in self.effective(line) if entry.from_ms <= at_ms}
        return tuple(sorted((entry for entry in last.values() if entry.holds(at_ms)), key=_order))

    def _judge(self, line: TimelineKey) -> tuple[list[Entry], list[tuple[Entry, Flaw]]]:
        if line not in self._judged:
            good: list[Entry] = []
            bad: list[tuple[Entry, Flaw]] = []
            for entry in self._entries.get(line, ()):
                flaw = self._unsigned(line, entry) or self._out_of_turn(line, entry, good)
                if flaw:
                    bad.append((entry, flaw))
                else:
                    good.append(entry)
            self._judged[line] = good, bad
        return self._judged[line]

    def _unsigned(self, line: TimelineKey, entry: Entry) -> Flaw | None:
        kind, document_hash = line.kind, entry.hash
        if self._documents.get(kind, document_hash) is None:
            return "unknown_document", f"{kind} {document_hash} is not in the log; propose it first"
        since = self._documents.usable_since(kind, document_hash)
        if since is None:
            signed = sorted(self._documents.signatures(kind, document_hash))
            by = f"signed by {signed[0]} alone" if signed else "not signed by anybody"
            return (
                "once_signed" if signed else "unsigned",
                f"{kind} {document_hash} is {by}; two people must approve it",
            )
        late_ms = since + self._lead_ms - entry.from_ms
        if late_ms > 0:
            return "signed_too_late", (
                f"{kind} {document_hash} was in the log with two signatures {late_ms} ms too late to take effect then; "
                f"activate it anew"
            )
        return None

    def _out_of_turn(self, line: TimelineKey, entry: Entry, good: list[Entry]) -> Flaw | None:
        document = self._documents.get(line.kind, entry.hash)
        if document is None or not isinstance(document.content, Tenant):
            return None
        if document.content.tenant != line.scope:
            return "scope_mismatch", f"the document is about tenant {document.content.tenant}, not {line.scope}"
        before = self._state(good[-1]) if good else None
        after = document.content.contract.state
        if before == after or (before, after) in TRANSITIONS:
            return None
        right = " or ".join(sorted(to for of, to in TRANSITIONS if of == before)) or "nothing: it has ended"
        return "unlisted_transition", f"a contract that is {before or 'new'} cannot become {after}; right is {right}"

    def _state(self, entry: Entry) -> State | None:
        document = self._documents.get("tenant", entry.hash)
        return document.content.contract.state if document and isinstance(document.content, Tenant) else None


def _order(entry: Entry) -> tuple[int, int]:
    return entry.from_ms, entry.offset
