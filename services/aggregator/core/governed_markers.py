"""Governed markers: the moments at which somebody who may do so changed what decides or measures.

The activation of a policy, or a person's word that matcher, PAD, SDK or vendor changed. At its moment what it touches
begins anew (`core.cusum`, `core.real_time`, days and durations), and a comparison of before and after begins
(`core.versions`). A version that is only seen in traffic is no governed marker: a string that upstream sends must not
have a bad release teach its own baseline.
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from types import MappingProxyType
from typing import Final, NamedTuple, Protocol

from proofwatch.governance.policy import Policy
from services.aggregator.core.touches import POLICY, TOUCHES, by_policy


class GovernedMarker(NamedTuple):
    """`name` and `version` of what changed for a tenant, or one segment value of it, at `at_ms` (since 1970).

    It takes effect with the first five minutes that begin then or later. `compared`: metrics that it has a part in;
    `begins_anew`: metrics of which what is usual, and what watches them, do; `by` whom and with what `reason`.
    """

    tenant: str
    name: str
    version: str
    at_ms: int
    compared: frozenset[str]
    begins_anew: frozenset[str]
    by: str
    reason: str
    segment_name: str | None = None
    segment_value: str | None = None

    def touches(self, segment_name: str | None, segment_value: str | None) -> bool:
        """Return whether the rates of a segment value, or of the whole tenant, begin anew."""
        return self.segment_name is None or (self.segment_name, self.segment_value) == (segment_name, segment_value)


Governed = Mapping[str, Sequence[GovernedMarker]]
"""The markers of each tenant."""
NOBODY: Final[Governed] = MappingProxyType({})


class InForce(NamedTuple):
    """The policy that decides from a moment on, and who put it in force."""

    from_ms: int
    policy: Policy
    by: str


class Declared(NamedTuple):
    """A person's word that something changed at `at_ms`, which takes effect at `effective_ms`: an entry that stays.

    Whoever writes it chooses that later than anything that can have closed by then, so that what follows is a function
    of the log and of the entries.
    """

    tenant: str
    name: str
    version: str
    at_ms: int
    effective_ms: int
    by: str
    reason: str

    def marker(self) -> GovernedMarker:
        """Return the marker."""
        touched = TOUCHES[self.name]
        return GovernedMarker(
            self.tenant, self.name, self.version, self.effective_ms, touched.compared, touched.begins_anew, self.by,
            self.reason,
        )  # fmt: skip


class Policies(Protocol):
    """What is known of the policies that govern tenants: `adapters.governed_policies`."""

    def markers(self, tenants: Iterable[str]) -> Governed:
        """Return the changes of policy of each of these tenants, those that are still to come among them."""
        ...


class NobodysPolicies:
    """`Policies` where nobody governs."""

    def markers(self, tenants: Iterable[str]) -> Governed:
        """Return nothing."""
        return NOBODY


def of_policies(
    tenant: str, decided: Iterable[InForce], segment: tuple[str, str] | None = None
) -> list[GovernedMarker]:
    """Return a marker for each change of the policy that decides; `decided` in order, the first is what was before."""
    found = []
    for before, after in pairwise(decided):
        if before.policy.hash == after.policy.hash:
            continue
        touched = by_policy(before.policy, after.policy)
        reason = f"policy {after.policy.name} after {before.policy.name}"
        found.append(GovernedMarker(
            tenant, POLICY, after.policy.hash, after.from_ms, touched.compared, touched.begins_anew, after.by, reason,
            *(segment or (None, None)),
        ))  # fmt: skip
    return found


def begun_ms(
    markers: Iterable[GovernedMarker], segment: tuple[str | None, str | None], metric: str, end_ms: int
) -> int:
    """Return when what is usual of a metric began anew last, by markers before `end_ms`; 0: it never did."""
    return max(
        (
            each.at_ms
            for each in markers
            if each.at_ms < end_ms and metric in each.begins_anew and each.touches(*segment)
        ),
        default=0,
    )


def due(markers: Iterable[GovernedMarker], last_ms: int, start_ms: int) -> Sequence[GovernedMarker]:
    """Return the markers that take effect between two windows, in order; none before the first window."""
    if last_ms < 0:
        return ()
    return sorted((each for each in markers if last_ms < each.at_ms <= start_ms), key=lambda each: each.at_ms)
