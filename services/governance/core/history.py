"""What was, is and will be activated for whom, as people read it."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from proofwatch.governance.activations import Entry, TimelineKey
from proofwatch.governance.documents import Kind
from proofwatch.governance.regime import FOREVER_MS
from proofwatch.governance.replica import Replica
from proofwatch.instants import instant_of


class ActivationRecord(NamedTuple):
    """One activation: where it stands at the time of asking, and who did it."""

    scope: str
    mode: str
    hash: str
    name: str
    effective_from: str
    ends_at: str | None
    state: str
    approved_by: tuple[str, ...]
    activated_by: str
    why: str | None


def history(replica: Replica, kind: Kind, scope: str | None, now_ms: int) -> list[ActivationRecord]:
    """Return every activation of a kind, by scope, mode and time; `scope` None: of all."""
    lines = sorted(line for line in replica.activations.lines() if line.kind == kind and scope in (None, line.scope))
    return [record for line in lines for record in _records(replica, line, now_ms)]


def before(replica: Replica, line: TimelineKey, at_ms: int) -> tuple[Entry, Entry | None] | None:
    """Return what is in force at a time and what else was in force before it; None: nothing is.

    The second is the nearest earlier activation of another document, if it held until it was replaced.
    """
    current = replica.activations.live(line, at_ms)
    if current is None:
        return None
    replaced_ms = current.from_ms
    for entry in reversed([e for e in replica.activations.effective(line) if e.from_ms < current.from_ms]):
        if entry.hash != current.hash:
            return current, entry if entry.holds(replaced_ms - 1) else None
        replaced_ms = entry.from_ms
    return current, None


def _records(replica: Replica, line: TimelineKey, now_ms: int) -> Iterator[ActivationRecord]:
    why = {entry: message for entry, (_, message) in replica.activations.flawed(line)}
    effective = replica.activations.effective(line)
    inside = set(replica.activations.beside(line, now_ms))
    if line.mode == "live":
        live = replica.activations.live(line, now_ms)
        inside = {live} if live else set()
    for entry in sorted([*effective, *why], key=lambda e: (e.from_ms, e.offset)):
        document = replica.documents.get(line.kind, entry.hash)
        yield ActivationRecord(
            scope=line.scope,
            mode=line.mode,
            hash=entry.hash,
            name=name_of(document.content) if document else "(not in the log)",
            effective_from=_iso(entry.from_ms),
            ends_at=None if entry.ends_ms == FOREVER_MS else _iso(entry.ends_ms),
            state=_state(entry, entry in why, entry in inside, now_ms),
            approved_by=tuple(sorted(replica.documents.signatures(line.kind, entry.hash))),
            activated_by=entry.person,
            why=why.get(entry),
        )


def name_of(content: Any) -> str:
    """Return what people call a document: a policy's name, or the tenant and the state of its contract."""
    return content.name if hasattr(content, "name") else f"{content.tenant} ({content.contract.state})"


def _state(entry: Entry, flawed: bool, inside: bool, now_ms: int) -> str:
    if flawed:
        return "refused"
    if inside:
        return "in force"
    return "coming" if entry.from_ms > now_ms else "past"


def _iso(ms: int) -> str:
    return instant_of(ms).isoformat(timespec="milliseconds" if ms % 1000 else "seconds").replace("+00:00", "Z")
