"""What is in force for a transaction: the rulebook of its tenant and cohort, controls, patterns, shadow policies.

Compiled from the regime of governance, lazily, one tenant at a time: what ten thousand tenants have set costs a
transaction one look-up.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from proofwatch.detection.velocity import horizon_ms
from proofwatch.events.segments import segment_value
from proofwatch.events.types import Basis, Control, Transaction
from proofwatch.governance.policy import Policy
from proofwatch.governance.regime import FOREVER_MS, Regime
from proofwatch.governance.scope import parse_scope
from services.scorer.core.attempts import CLEAN
from services.scorer.core.patterns import Patterns
from services.scorer.core.rulebook import Rulebook

UNGOVERNED: Final = Regime(0, FOREVER_MS, policies={}, shadows={}, tenants={})
"""The regime of a system in which only the policy of last resort decides."""

_QUARTER_MS: Final = 900_000


@dataclass(frozen=True, slots=True)
class Book:
    """What decides about the transactions of one tenant or cohort.

    `clean` is the basis for a subject without failures. `mfa` and `alarms` are the controls in force; `refused` says
    why the tenant's transactions are not taken; `segments` are the names that may stay on a verdict (None: all).
    `guarded`: one of the last three is set, so a transaction needs a further look before it is judged.
    """

    rulebook: Rulebook
    clean: Basis
    shadows: tuple[Rulebook, ...] = ()
    mfa: Control | None = None
    alarms: tuple[Control, ...] = ()
    refused: str | None = None
    segments: frozenset[str] | None = None
    cohorts: "Cohorts | None" = None
    guarded: bool = False


class Cohorts:
    """The books of one tenant's cohorts, made when first needed."""

    def __init__(self, books: "Books", tenant: str, scopes: Mapping[str, frozenset[str]]) -> None:
        """`scopes`: by segment name, the values that something is in force for."""
        self._books = books
        self._tenant = tenant
        self._scopes = tuple(sorted(scopes.items()))
        self._made: dict[tuple[str | None, ...], Book] = {}

    def book(self, event: Transaction) -> Book:
        """Return the book of the event's cohorts."""
        found = tuple([_known(segment_value(event, name), values) for name, values in self._scopes])
        if found not in self._made:
            names = [name for name, _ in self._scopes]
            cohorts = [(n, value) for n, value in zip(names, found, strict=True) if value is not None]
            self._made[found] = self._books.make(self._tenant, cohorts)
        return self._made[found]


class Books:
    """Everything in force for records of log time [from_ms, until_ms)."""

    def __init__(self, regime: Regime, at_ms: int, last_resort: Policy, rulebooks: "Rulebooks") -> None:
        """`last_resort` decides where no policy is in force.

        Contracts begin and end with a day of the tenant's time zone: with tenants the books hold for the quarter of an
        hour around `at_ms`, and are made anew then.
        """
        self.regime = regime
        self.from_ms, self.until_ms = regime.from_ms, regime.until_ms
        if regime.tenants:
            quarter_ms = at_ms // _QUARTER_MS * _QUARTER_MS
            self.from_ms, self.until_ms = max(self.from_ms, quarter_ms), min(self.until_ms, quarter_ms + _QUARTER_MS)
        self.patterns = Patterns.of(regime.patterns)
        self.default = rulebooks.of(last_resort)
        self._rulebooks = rulebooks
        self._by_tenant: dict[str, Book] = {}
        self._scopes = _scopes(regime)
        in_force = [self.default, *(rulebooks.of(policy) for policy in regime.policies.values())]
        self.ahead_ms = min(book.ahead_ms for book in in_force)
        self.duplicates_ms = max(book.horizon_ms for book in in_force)
        self.velocity_ms = horizon_ms([limit for book in in_force for limit in book.velocity])

    def of_tenant(self, tenant: str) -> Book:
        """Return what decides about the tenant's transactions; ask its `cohorts`, if any, for the event's own."""
        book = self._by_tenant.get(tenant)
        if book is None:
            book = self.make(tenant, [])
            scopes = self._scopes.get(tenant)
            if scopes:
                book = replace(book, cohorts=Cohorts(self, tenant, scopes), guarded=True)
            self._by_tenant[tenant] = book
        return book

    def make(self, tenant: str, cohorts: list[tuple[str, str]]) -> Book:
        """Return the book of a tenant's `cohorts`; of several policies the first cohort's in order of name wins."""
        regime = self.regime
        segments = dict(cohorts)
        policy = regime.policy_for(tenant, segments)
        rulebook = self._rulebooks.of(policy) if policy else self.default
        shadows = {shadow.hash: shadow for shadow in regime.shadows_for(tenant, segments)}
        shadows.pop(rulebook.policy_hash, None)
        controls = [c for c in regime.controls if c.tenant == tenant and _covers(c, cohorts)]
        known, refused = regime.tenants.get(tenant), self._refused(tenant)
        return Book(
            rulebook,
            rulebook.basis(CLEAN.failures, regime.controls_version, regime.patterns_version),
            tuple(self._rulebooks.of(shadow) for _, shadow in sorted(shadows.items())),
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


class Rulebooks:
    """The rulebooks of policies, made once each."""

    def __init__(self) -> None:
        self._made: dict[int, tuple[Policy, Rulebook]] = {}

    def of(self, policy: Policy) -> Rulebook:
        """Return the policy's rulebook."""
        made = self._made.get(id(policy))
        if made is None:
            made = self._made[id(policy)] = (policy, Rulebook.of(policy))
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
