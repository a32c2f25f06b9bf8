"""Changes of the policies of tenants, as governance has put them in force: governed markers."""

from collections.abc import Iterable, Iterator, Sequence
from operator import attrgetter
from typing import Final

from proofwatch.governance.activations import Entry, TimelineKey
from proofwatch.governance.follower import Follower
from proofwatch.governance.policy import Policy
from proofwatch.governance.regime import FOREVER_MS
from proofwatch.governance.scope import EVERYONE, parse_scope
from services.aggregator.core.governed_markers import Governed, GovernedMarker, InForce, of_policies

_ENDED: Final = "nobody: the activation before it ended"
_Lines = tuple[list[Entry], ...]


class GovernedPolicies:
    """`core.governed_markers.Policies`, by what a follower has read."""

    def __init__(self, follower: Follower, last_resort: Policy) -> None:
        """`last_resort`: what decides where no policy is in force."""
        self._replica = follower.replica
        self._last_resort = last_resort
        self._scopes: dict[str, list[str]] = {}
        self._lines = 0
        self._made: dict[str, tuple[_Lines, list[GovernedMarker]]] = {}

    def markers(self, tenants: Iterable[str]) -> Governed:
        """Return the changes of policy of each of these tenants, those that are still to come among them."""
        self._look()
        return {tenant: found for tenant in tenants if (found := self._of(tenant))}

    def _look(self) -> None:
        """Note which cohorts have policies of their own, if there are further ones."""
        lines = list(self._replica.activations.lines())
        if len(lines) == self._lines:
            return
        self._lines, self._scopes = len(lines), {}
        for line in lines:
            if line.kind == "policy" and line.mode == "live":
                scope = parse_scope(line.scope)
                if scope.tenant and scope.segment_name:
                    self._scopes.setdefault(scope.tenant, []).append(line.scope)

    def _of(self, tenant: str) -> list[GovernedMarker]:
        cohorts = sorted(self._scopes.get(tenant, ()))
        lines = tuple(self._replica.activations.effective(_line(each)) for each in (EVERYONE, tenant, *cohorts))
        if not any(lines):
            return []
        known = self._made.get(tenant)
        # the replica makes another list when one is added
        if (
            known is None
            or len(known[0]) != len(lines)
            or any(a is not b for a, b in zip(known[0], lines, strict=True))
        ):
            made = of_policies(tenant, self._decided((tenant, EVERYONE)))
            for each in cohorts:
                scope = parse_scope(each)
                assert scope.segment_name is not None, "a cohort has a segment"
                assert scope.segment_value is not None, "and a value"
                of_cohort = of_policies(
                    tenant, self._decided((each, tenant, EVERYONE)), (scope.segment_name, scope.segment_value)
                )
                own = set(self._moments(each))
                made += [marker for marker in of_cohort if marker.at_ms in own]
            known = self._made[tenant] = lines, sorted(made, key=attrgetter("at_ms"))
        return known[1]

    def _decided(self, scopes: Sequence[str]) -> Iterator[InForce]:
        """Yield what decides from when on, by the narrowest of these scopes that has a policy in force."""
        yield InForce(0, self._last_resort, "")
        for at_ms in sorted({at_ms for scope in scopes for at_ms in self._moments(scope)}):
            entry = next(
                (live for each in scopes if (live := self._replica.activations.live(_line(each), at_ms))), None
            )
            by = entry.person if entry and entry.from_ms == at_ms else _ENDED
            yield InForce(at_ms, self._policy(entry), by)

    def _moments(self, scope: str) -> Iterator[int]:
        for each in self._replica.activations.effective(_line(scope)):
            yield each.from_ms
            if each.ends_ms < FOREVER_MS:
                yield each.ends_ms

    def _policy(self, entry: Entry | None) -> Policy:
        document = self._replica.documents.get("policy", entry.hash) if entry else None
        return document.content if document and isinstance(document.content, Policy) else self._last_resort


def _line(scope: str) -> TimelineKey:
    return TimelineKey("policy", "live", scope)
