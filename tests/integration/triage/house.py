"""People, and cases that came of events."""

from typing import TYPE_CHECKING

from proofwatch.access.roles import Role
from proofwatch.audit.entry import Entry
from services.triage.adapters.desk import PostgresDesk
from tests.integration.access.house import House
from tests.unit.triage.events import suspicion

if TYPE_CHECKING:
    from tests.integration.triage.conftest import Triage


class Desk(House):
    """People at a desk of the service's own database."""

    def __init__(self, triage: "Triage") -> None:
        super().__init__(triage.pool)
        self.triage = triage
        self.desk = PostgresDesk(triage.pool)
        self.tokens: dict[str, str] = {}

    async def person(self, name: str, *roles: Role, tenants: tuple[str, ...] | None = None) -> str:
        """Add and sign in somebody; return the token."""
        await self.add(name, *roles, tenants=tenants)
        self.tokens[name] = (await self.sign_in(name))[0]
        return self.tokens[name]

    async def case(self, **given: str) -> str:
        """A subject's case, escalated; return its id."""
        number = 1 + await self.pool.fetchval("select count(*) from triage.cases")
        fields = {"severity": "high", "subject_ref": f"s-{number}"} | given
        await self.triage.tell(suspicion(number, **fields))
        by_reason = "select case_id from triage.case_reasons where transaction_id = $1"
        return str(await self.pool.fetchval(by_reason, f"t-{number}"))

    async def of_cases(self) -> list[Entry]:
        """Return the entries of what was done with cases."""
        return [each for each in await self.entries() if each.action.startswith("case.")]
