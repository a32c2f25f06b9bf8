"""What is in force at one time, and why a record of governance does not count."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from proofwatch.events.types import AttackPattern, Control
from proofwatch.governance.policy import Policy
from proofwatch.governance.scope import covering
from proofwatch.governance.tenant import Tenant

FOREVER_MS: Final = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Refusal:
    """A record that does not count: where it lies, a typed reason, and what would be right.

    Reasons: malformed, wrong_key, wrong_hash, not_canonical, invalid_document, invalid_scope, invalid_predicate,
    unknown_key, key_expired, role_missing, bad_signature, lead_too_short, ends_before_it_begins, scope_mismatch,
    unknown_document, unsigned, once_signed, signed_too_late, unlisted_transition.
    The last five can be cured by records that are still to come.
    """

    topic: str
    offset: int
    reason: str
    message: str


@dataclass(frozen=True)
class Regime:
    """What is in force from `from_ms` (inclusive) to `until_ms` (exclusive), in log time.

    `policies`: the live policy of each scope that has one. `shadows`: the policies that are judged beside it.
    `tenants`: settings by tenant. `controls`, `patterns`: those in force, in a stable order. A version is the offset
    of the newest accepted record that has taken effect, plus one; 0: none has.

    `until_ms` is as far as is known now: ask the replica again for every batch. The mappings stay the same objects
    from one regime to the next as long as nothing in them changes, so what is derived from them can be kept.
    """

    from_ms: int
    until_ms: int
    policies: Mapping[str, Policy]
    shadows: Mapping[str, tuple[Policy, ...]]
    tenants: Mapping[str, Tenant]
    controls: tuple[Control, ...] = ()
    controls_version: int = 0
    patterns: tuple[AttackPattern, ...] = ()
    patterns_version: int = 0
    cohorts: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """The segments for which a tenant has live or shadow policies of its own, by tenant; in alphabetic order."""

    def policy_for(self, tenant: str, segments: Mapping[str, str] | None) -> Policy | None:
        """Return the live policy of a transaction: of the narrowest scope; None: no scope covers it."""
        for scope in covering(tenant, segments, self.cohorts):
            if scope in self.policies:
                return self.policies[scope]
        return None

    def shadows_for(self, tenant: str, segments: Mapping[str, str] | None) -> tuple[Policy, ...]:
        """Return every shadow policy whose scope covers a transaction, narrowest scope first, each once."""
        if not self.shadows:
            return ()
        found = (policy for scope in covering(tenant, segments, self.cohorts) for policy in self.shadows.get(scope, ()))
        return tuple({policy.hash: policy for policy in found}.values())
