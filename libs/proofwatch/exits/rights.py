"""Whether somebody's roles and tenants let them do something: Cedar decides; what it cannot evaluate is a refusal."""

from collections.abc import Collection
from functools import cache
from pathlib import Path
from typing import Any, Final, Literal

import cedarpy

from proofwatch.access.cedar import names, statements

_FOLDER: Final = Path(__file__).with_name("policy")
Why = Literal["role_missing", "tenant_not_theirs", "administrator", "not_decidable"]


class InvalidRights(ValueError):
    """The policy or its schema cannot be used; the message says why."""


class Rights:
    """The policy in force. Raises `InvalidRights` where text and schema do not agree."""

    def __init__(self, policies: str, schema: str) -> None:
        self._policies, self._schema = policies, schema
        self._names = names(statements(policies, schema, "rights", InvalidRights))

    def refusal(
        self,
        act: str,
        roles: Collection[str],
        tenants: Collection[str] | None,
        tenant: str | None,
        *,
        own: bool = False,
        machine: bool = False,
    ) -> Why | None:
        """Return why somebody may not; None: they may. `roles`: of a `machine`, its scopes.

        `tenants` None: they see all of them. `tenant` None: it is about no single one. `own`: about who asks alone.
        """
        person = {"all_tenants": tenants is None, "tenants": sorted(tenants or ())}
        data = {"every_tenant": tenant is None, "tenant": tenant or "", "own": own}
        if machine:
            return self.refusal_on(act, {**person, "scopes": sorted(roles)}, data, "Machine")
        return self.refusal_on(act, {**person, "roles": sorted(roles)}, data)

    def refusal_on(self, act: str, person: Any, data: Any, kind: Literal["Person", "Machine"] = "Person") -> Why | None:
        """Return the same by the facts as the policy names them; what is missing or of another kind is a refusal."""
        entities = [
            {"uid": {"type": kind, "id": "who"}, "attrs": person, "parents": []},
            {"uid": {"type": "Data", "id": "what"}, "attrs": data, "parents": []},
        ]
        asked = {
            "principal": f'{kind}::"who"', "action": f'Action::"{act}"', "resource": 'Data::"what"', "context": {},
        }  # fmt: skip
        try:
            found = cedarpy.is_authorized(asked, self._policies, entities, self._schema)
        except Exception:  # noqa: BLE001 — whatever it is, nobody is let through
            return "not_decidable"
        if found.diagnostics.errors or found.decision is cedarpy.Decision.NoDecision:
            return "not_decidable"
        if found.decision is cedarpy.Decision.Allow:
            return None
        forbidden = {self._names[key] for key in found.diagnostics.reasons}
        if "administrator" in forbidden:
            return "administrator"
        return "tenant_not_theirs" if forbidden and self._may_elsewhere(act, person, data, kind) else "role_missing"

    def _may_elsewhere(self, act: str, person: Any, data: Any, kind: Literal["Person", "Machine"]) -> bool:
        """Return whether it is the tenant alone that is missing: who lacks the role as well is told that."""
        everywhere = {**person, "all_tenants": True}
        return everywhere != person and self.refusal_on(act, everywhere, data, kind) is None


@cache
def shipped_rights() -> Rights:
    """Return the policy that comes with Proofwatch, as files that people can read. Raises `InvalidRights`."""
    policies, schema = _FOLDER / "rights.cedar", _FOLDER / "rights.cedarschema"
    return Rights(policies.read_text(encoding="utf-8"), schema.read_text(encoding="utf-8"))
