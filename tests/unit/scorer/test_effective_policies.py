"""What is in force for whom."""

from collections.abc import Mapping
from datetime import date
from typing import Any

import pytest

from proofwatch.bus.records import Record
from proofwatch.events.codec import TRANSACTION
from proofwatch.events.rejected import Rejected
from proofwatch.events.types import Control, Device
from proofwatch.governance.policy import Policy
from proofwatch.governance.regime import FOREVER_MS, Regime
from proofwatch.governance.scope import parse_scope
from proofwatch.governance.tenant import Contract, Tenant
from services.scorer.core.admission import admit
from services.scorer.core.effective_policies import CompiledPolicies, EffectivePolicies
from tests.unit.scorer.samples import POLICY, START_MS, record, transaction

QUARTER_MS = 900_000


def policy(name: str, **update: Any) -> Policy:
    return POLICY.model_copy(update={"name": name, **update})


def regime(
    policies: Mapping[str, Policy] | None = None,
    shadows: Mapping[str, tuple[Policy, ...]] | None = None,
    tenants: Mapping[str, Tenant] | None = None,
    controls: tuple[Control, ...] = (),
) -> Regime:
    found: dict[str, set[str]] = {}
    for scope in map(parse_scope, (*(policies or {}), *(shadows or {}))):
        if scope.tenant and scope.segment_name:
            found.setdefault(scope.tenant, set()).add(scope.segment_name)
    return Regime(
        0,
        FOREVER_MS,
        policies or {},
        shadows or {},
        tenants or {},
        controls,
        controls_version=len(controls),
        cohorts={name: tuple(sorted(names)) for name, names in found.items()},
    )


def policies(of: Regime, at_ms: int = START_MS) -> EffectivePolicies:
    return EffectivePolicies(of, at_ms, POLICY, CompiledPolicies())


def control(measure: Any, name: str | None = None, value: str | None = None, tenant: str = "acme") -> Control:
    return Control(
        schema_version=1,
        control_id=f"{measure}-{name}-{value}",
        measure=measure,
        state="on",
        tenant=tenant,
        segment_name=name,
        segment_value=value,
        effective_from=transaction().occurred_at,
        reason="operator",
        evidence={"k": 3.0},
    )


def tenant(state: Any = "active", segments: tuple[str, ...] = ("source",)) -> Tenant:
    contract = Contract(state=state, starts=date(2026, 1, 1), until=date(2026, 1, 16))
    return Tenant(tenant="acme", contract=contract, time_zone="Asia/Kolkata", segments=segments)


def chosen(of: EffectivePolicies, **fields: Any) -> str:
    """The hash of the policy that decides about a transaction of acme."""
    return admit(record(0, transaction(**fields)), of, TRANSACTION.decode)[3].policy.policy_hash


def test_the_narrowest_policy_decides_and_the_last_resort_where_none_is_in_force() -> None:
    """A cohort's before its tenant's before everyone's."""
    everyone, acme, rooted = policy("everyone"), policy("acme"), policy("rooted")
    assert len({each.hash for each in (POLICY, everyone, acme, rooted)}) == 4
    assert chosen(policies(regime())) == POLICY.hash
    assert chosen(policies(regime({"*": everyone}))) == everyone.hash
    assert chosen(policies(regime({"*": everyone, "acme": acme}))) == acme.hash
    assert chosen(policies(regime({"*": everyone, "other": acme}))) == everyone.hash
    of = policies(regime({"*": everyone, "acme": acme, "acme/source=rooted": rooted, "acme/os=ios": everyone}))
    assert chosen(of, segments={"source": "rooted"}) == rooted.hash
    assert chosen(of, segments={"source": "app"}) == acme.hash
    assert chosen(of) == acme.hash
    assert chosen(of, device=Device(os="ios")) == everyone.hash
    assert chosen(of, device=Device(os="ios"), segments={"os": "android"}) == acme.hash
    assert chosen(of, device=Device(os="ios"), segments={"source": "rooted"}) == everyone.hash  # os before source


def test_shadows_of_every_scope_are_judged_once_each_and_never_the_live_policy() -> None:
    """Sorted by hash, so that their order says nothing."""
    live, first, second = policy("live"), policy("first"), policy("second")
    of = policies(regime({"*": live}, {"*": (first, live), "acme": (first, second)}))
    shadows = of.of_tenant("acme").shadows
    assert [each.policy_hash for each in shadows] == sorted([first.hash, second.hash])
    assert [each.policy_hash for each in of.of_tenant("other").shadows] == [first.hash]


def test_controls_cover_their_cohort_alone() -> None:
    """A whole tenant, or one segment value of it."""
    of = policies(regime(controls=(control("step_up_mfa"), control("alarmed_cohort", "source", "web"))))
    whole = of.of_tenant("acme")
    assert whole.mfa is not None
    assert (whole.alarms, whole.clean.controls_version) == ((), 2)
    web = admit(record(0, transaction(segments={"source": "web"})), of, TRANSACTION.decode)[3]
    assert web.mfa is not None
    assert [each.control_id for each in web.alarms] == ["alarmed_cohort-source-web"]
    assert of.of_tenant("other").mfa is None


def test_transactions_of_a_tenant_without_a_contract_are_refused() -> None:
    """Unknown, suspended, or over: each with what to do."""
    for of in (regime(tenants={"other": tenant()}), regime(tenants={"acme": tenant("suspended")})):
        with pytest.raises(Rejected, match="proofwatch tenant") as refused:
            chosen(policies(of))
        assert refused.value.reason == "tenant_not_served"
    served = regime(tenants={"acme": tenant()})
    assert chosen(policies(served)) == POLICY.hash
    end_ms = 1_768_501_800_000  # 2026-01-16 in Kolkata
    assert policies(served, end_ms - 1).until_ms == end_ms
    assert chosen(policies(served, end_ms - 1)) == POLICY.hash
    with pytest.raises(Rejected):
        chosen(policies(served, end_ms))


def test_segments_outside_the_tenants_catalogue_are_left_out() -> None:
    """They reach no verdict: a personal one needs a lawful basis."""
    event = transaction(segments={"sex": "f", "source": "web"})
    admitted = admit(record(0, event), policies(regime(tenants={"acme": tenant()})), TRANSACTION.decode)[0]
    assert admitted.segments == {"source": "web"}
    assert admit(record(0, event), policies(regime()), TRANSACTION.decode)[0] == event


def test_the_longest_horizon_of_any_policy_is_remembered() -> None:
    """And the shortest tolerance for clocks ahead spares the closer look."""
    long, strict = policy("long", duplicate_horizon_minutes=600), policy("strict", max_ahead_seconds=1)
    of = policies(regime({"a": long, "b": strict}))
    assert (of.duplicates_ms, of.ahead_ms) == (600 * 60_000, 1000)


def test_ten_thousand_tenants_are_compiled_when_they_come() -> None:
    """Nothing is made for a tenant that sends nothing."""
    of = policies(regime({f"t{n}": policy(f"p{n}") for n in range(100)}))
    assert not of.by_tenant
    assert chosen(of) == POLICY.hash
    assert list(of.by_tenant) == ["acme"]


@pytest.mark.parametrize("year", [1969, 9999])
def test_a_time_that_no_window_can_hold_is_refused(year: int) -> None:
    """Every later stage can rely on it."""
    event = transaction()
    value = TRANSACTION.encode(event).replace(b"2026-", b"%d-" % year)
    with pytest.raises(Rejected, match="1970 to 9998"):
        admit(Record(0, FOREVER_MS, b"acme/s", value), policies(regime()), TRANSACTION.decode)
