"""What is in force at a log time: the mappings of a regime, moved along the time axis from boundary to boundary."""

from bisect import bisect_right, insort
from collections import defaultdict
from collections.abc import Iterable
from operator import itemgetter
from typing import Any, Literal, NamedTuple

from proofwatch.events.types import AttackPattern, Control
from proofwatch.governance.activations import Activations, Entry, TimelineKey
from proofwatch.governance.copy_on_write import CopyOnWriteMapping
from proofwatch.governance.policy import Policy
from proofwatch.governance.regime import FOREVER_MS, Regime
from proofwatch.governance.scope import parse_scope
from proofwatch.governance.signed_documents import SignedDocuments
from proofwatch.governance.tenant import Tenant
from proofwatch.governance.timed_records import About, TimedRecords


class Switch(NamedTuple):
    """What changes at a boundary: a timeline of activations, or what a control or a pattern is about."""

    axis: Literal["activation", "control", "pattern"]
    name: tuple[Any, ...]


class RegimeTimeline:
    """The regime at one time, and the way to any other.

    Moving costs as much as changes in between, not as much as there are scopes.
    """

    def __init__(
        self,
        documents: SignedDocuments,
        activations: Activations,
        controls: TimedRecords[Control],
        patterns: TimedRecords[AttackPattern],
    ) -> None:
        self._documents = documents
        self._activations = activations
        self._controls = controls
        self._patterns = patterns
        self._boundaries: list[tuple[int, Switch]] = []
        self._dirty: set[Switch] = set()
        self._at_ms = 0
        self._live: CopyOnWriteMapping[str, Policy] = CopyOnWriteMapping()
        self._shadows: CopyOnWriteMapping[str, tuple[Policy, ...]] = CopyOnWriteMapping()
        self._tenants: CopyOnWriteMapping[str, Tenant] = CopyOnWriteMapping()
        self._cohorts: CopyOnWriteMapping[str, tuple[str, ...]] = CopyOnWriteMapping()
        self._cohorts_of: defaultdict[str, dict[str, str]] = defaultdict(dict)
        self._controls_on: CopyOnWriteMapping[About, Control] = CopyOnWriteMapping()
        self._patterns_on: CopyOnWriteMapping[About, AttackPattern] = CopyOnWriteMapping()

    def mark(self, switch: Switch, begins_ms: int, ends_ms: int) -> None:
        """Note that something may change at both times, and now."""
        self._dirty.add(switch)
        for boundary_ms in (begins_ms, ends_ms):
            if boundary_ms < FOREVER_MS:
                insort(self._boundaries, (boundary_ms, switch), key=itemgetter(0))
        if switch.axis == "activation":
            scope = parse_scope(TimelineKey(*switch.name).scope)
            if scope.tenant and scope.segment_name:
                self._cohorts_of[scope.tenant][TimelineKey(*switch.name).scope] = scope.segment_name

    def touch(self, lines: Iterable[TimelineKey]) -> None:
        """Note that other activations of these timelines may take effect now."""
        self._dirty.update(Switch("activation", line) for line in lines)

    def at(self, log_ms: int) -> Regime:
        """Return the regime at a log time."""
        self._move(log_ms)
        index = bisect_right(self._boundaries, log_ms, key=itemgetter(0))
        return Regime(
            from_ms=self._boundaries[index - 1][0] if index else 0,
            until_ms=self._boundaries[index][0] if index < len(self._boundaries) else FOREVER_MS,
            policies=self._live.view,
            shadows=self._shadows.view,
            tenants=self._tenants.view,
            cohorts=self._cohorts.view,
            controls=_sorted(self._controls_on),
            controls_version=self._controls.version(log_ms),
            patterns=_sorted(self._patterns_on),
            patterns_version=self._patterns.version(log_ms),
        )

    def _move(self, to_ms: int) -> None:
        low, high = sorted((self._at_ms, to_ms))
        first, last = (bisect_right(self._boundaries, ms, key=itemgetter(0)) for ms in (low, high))
        switches = self._dirty.union(switch for _, switch in self._boundaries[first:last])
        self._at_ms, self._dirty = to_ms, set()
        controls, patterns, lines = (
            [s.name for s in switches if s.axis == axis] for axis in ("control", "pattern", "activation")
        )
        self._controls_on.change({about: self._controls.in_force(about, to_ms) for about in controls})
        self._patterns_on.change({about: self._patterns.in_force(about, to_ms) for about in patterns})
        self._activate([TimelineKey(*name) for name in lines], to_ms)

    def _activate(self, lines: list[TimelineKey], at_ms: int) -> None:
        live = {line.scope: self._live_content(line, at_ms) for line in lines if line[:2] == ("policy", "live")}
        tenants = {line.scope: self._live_content(line, at_ms) for line in lines if line.kind == "tenant"}
        shadows = {
            line.scope: tuple(self._content(line, entry) for entry in self._activations.beside(line, at_ms)) or None
            for line in lines
            if line.mode == "shadow"
        }
        self._tenants.change(tenants)
        changed = [*self._live.change(live), *self._shadows.change(shadows)]
        concerned = {scope.tenant for scope in map(parse_scope, changed) if scope.tenant and scope.segment_name}
        self._cohorts.change({tenant: self._segments(tenant) for tenant in concerned})

    def _live_content(self, line: TimelineKey, at_ms: int) -> Any:
        entry = self._activations.live(line, at_ms)
        return self._content(line, entry) if entry else None

    def _content(self, line: TimelineKey, entry: Entry) -> Any:
        document = self._documents.get(line.kind, entry.hash)
        assert document is not None  # without its document an activation does not take effect
        return document.content

    def _segments(self, tenant: str) -> tuple[str, ...] | None:
        scopes = self._cohorts_of[tenant]
        names = {name for scope, name in scopes.items() if scope in self._live.view or scope in self._shadows.view}
        before, now = self._cohorts.view.get(tenant), tuple(sorted(names)) or None
        return before if before == now else now


def _sorted(switches: CopyOnWriteMapping[About, Any]) -> tuple[Any, ...]:
    return tuple(switches.view[about] for about in sorted(switches.view))
