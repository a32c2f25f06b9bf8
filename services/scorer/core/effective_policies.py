"""What is in force for a transaction: the policy of its tenant and cohort, controls, patterns, shadow policies.

Compiled from the regime of governance, lazily, one tenant at a time: what ten thousand tenants have set costs a
transaction one look-up.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from proofwatch.detection.velocity import horizon_ms
from proofwatch.events.segments import segment_value
from proofwatch.events.types import Basis, Control, Transaction
from proofwatch.governance.policy import Policy
from proofwatch.governance.regime import FOREVER_MS, Regime
from proofwatch.governance.scope import parse_scope
from services.scorer.core.attempts import CLEAN
from services.scorer.core.compiled_policy import CompiledPolicy
from services.scorer.core.patterns import Patterns

UNGOVERNED: Final = Regime(0, FOREVER_MS, policies={}, shadows={}, tenants={})
"""The regime of a system in which only the policy of last resort decides."""

_QUARTER_MS: Final = 900_000


@dataclass(frozen=True, slots=True)
class EffectivePolicy:
    """What decides about the transactions of one tenant or cohort.

    `clean` is the basis for a subject without failures. `mfa` and `alarms` are the controls in force; `refused` says
    why the tenant's transactions are not taken; `segments` are the names that may stay on a verdict (None: all).
    `guarded`: one of the last three is set, so a transaction needs a further look before it is judged.
    """

    policy: CompiledPolicy
    clean: Basis
    shadows: tuple[CompiledPolicy, ...] = ()
    mfa: Control | None = None
    alarms: tuple[Control, ...] = ()
    refused: str | None = None
    segments: frozenset[str] | None = None
    cohorts: "CohortPolicies | None" = None
    guarded: bool = False


class CohortPolicies:
    """The policies of one tenant's cohorts, made when first needed."""

    def __init__(self, policies: "EffectivePolicies", tenant: str, scopes: Mapping[str, frozenset[str]]) -> None:
        """`scopes`: by segment name, the values that something is in force for."""
        self._policies = policies
        self._tenant = tenant
        self._scopes = tuple(sorted(scopes.items()))
        self._made: dict[tuple[str | None, ...], EffectivePolicy] = {}

    def of(self, event: Transaction) -> EffectivePolicy:
        """Return what decides about the transactions of the event's cohorts."""
        found = tuple([_known(segment_value(event, name), values) for name, values in self._scopes])
        if found not in self._made:
            names = [name for name, _ in self._scopes]
            cohorts = [(n, value) for n, value in zip(names, found, strict=True) if value is not None]
            self._made[found] = self._policies.make(self._tenant, cohorts)
        return self._made[found]


class EffectivePolicies:
    """Everything in force for records of log time [from_ms, until_ms)."""

    def __init__(self, regime: Regime, at_ms: int, last_resort: Policy, compiled: "CompiledPolicies") -> None:
        """`last_resort` decides where no policy is in force.

        Contracts begin and end with a day of the tenant's time zone: with tenants this holds for the quarter of an hour
        around `at_ms`, and is made anew then.
        """
        self.regime = regime
        self.from_ms, self.until_ms = regime.from_ms, regime.until_ms
        if regime.tenants:
            quarter_ms = at_ms // _QUARTER_MS * _QUARTER_MS
            self.from_ms, self.until_ms = max(self.from_ms, quarter_ms), min(self.until_ms, quarter_ms + _QUARTER_MS)
        self.patterns = Patterns.of(regime.patterns)
        self.default = compiled.of(last_resort)
        self._compiled = compiled
        self.by_tenant: dict[str, EffectivePolicy] = {}
        """What `of_tenant` has been asked for."""
        self._scopes = _scopes(regime)
        in_force = [self.default, *(compiled.of(document) for document in regime.policies.values())]
        self.ahead_ms = min(policy.ahead_ms for policy in in_force)
        self.duplicates_ms = max(policy.horizon_ms for policy in in_force)
        self.velocity_ms = horizon_ms([limit for policy in in_force for limit in policy.velocity])

    def of_tenant(self, tenant: str) -> EffectivePolicy:
        """Return what decides about the tenant's transactions; ask its `cohorts`, if any, for the event's own."""
        effective = self.by_tenant.get(tenant)
        if effective is None:
            effective = self.make(tenant, [])
            scopes = self._scopes.get(tenant)
            if scopes:
                effective = replace(effective, cohorts=CohortPolicies(self, tenant, scopes), guarded=True)
            self.by_tenant[tenant] = effective
        return effective

    def make(self, tenant: str, cohorts: list[tuple[str, str]]) -> EffectivePolicy:
        """Return the effective policy of a tenant's `cohorts`; of several the first cohort's in order of name wins."""
        regime = self.regime
        segments = dict(cohorts)
        document = regime.policy_for(tenant, segments)
        policy = self._compiled.of(document) if document else self.default
        shadows = {shadow.hash: shadow for shadow in regime.shadows_for(tenant, segments)}
        shadows.pop(policy.policy_hash, None)
        controls = [c for c in regime.controls if c.tenant == tenant and _covers(c, cohorts)]
        known, refused = regime.tenants.get(tenant), self._refused(tenant)
        return EffectivePolicy(
            policy,
            policy.basis(CLEAN.failures, regime.controls_version, regime.patterns_version),
            tuple(self._compiled.of(shadow) for _, shadow in sorted(shadows.items())),
            mfa=next((c for c in controls if c.measure == "step_up_mfa"), None),
            alarms=tuple(c for c in controls if c.measure == "alarmed_cohort"),
            refused=refused,
            segments=known.segments_allowed() if known else None,
            guarded=known is not None or refused is not None,
        )

    def _refused(self, tenant: str) -> str | None:
        tenants = self.regime.tenants
        if not tenants:
            return None
        known = tenants.get(tenant)
        if known is None:
            return "has no contract: propose, approve and activate its document with `proofwatch tenant`"
        if not known.served(self.from_ms):
            return f"has no contract that covers this day (state {known.contract.state}): see `proofwatch tenant show`"
        return None


PoliciesAt = Callable[[int], EffectivePolicies]
"""Gives what is in force at a log time (milliseconds since the Unix epoch)."""


class CompiledPolicies:
    """The compiled forms of policies, made once each."""

    def __init__(self) -> None:
        self._made: dict[int, tuple[Policy, CompiledPolicy]] = {}

    def of(self, policy: Policy) -> CompiledPolicy:
        """Return the compiled form of a policy."""
        made = self._made.get(id(policy))
        if made is None:
            made = self._made[id(policy)] = (policy, CompiledPolicy.of(policy))
        return made[1]


def _known(value: str | None, values: frozenset[str]) -> str | None:
    return value if value in values else None


def _covers(control: Control, cohorts: list[tuple[str, str]]) -> bool:
    return control.segment_name is None or (control.segment_name, control.segment_value) in cohorts


def _scopes(regime: Regime) -> dict[str, dict[str, frozenset[str]]]:
    """Return, by tenant and segment name, the values that a policy, a shadow or a control is in force for."""
    found: dict[str, dict[str, frozenset[str]]] = {}

    def note(tenant: str, name: str, value: str) -> None:
        values = found.setdefault(tenant, {})
        values[name] = values.get(name, frozenset()) | {value}

    for scope in (*regime.policies, *regime.shadows):
        tenant, name, value = parse_scope(scope)
        if tenant and name and value:
            note(tenant, name, value)
    for control in regime.controls:
        if control.segment_name is not None and control.segment_value is not None:
            note(control.tenant, control.segment_name, control.segment_value)
    return found
