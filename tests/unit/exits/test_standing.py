"""What is in force with a tenant: by its contract now, or by the days that are billed."""

from datetime import UTC, date, datetime
from typing import Any

import pytest

from proofwatch.exits.standing import Days, standing_of
from proofwatch.governance.release import NO_CONTRACT, UNDER_CONTRACT
from proofwatch.governance.tenant import Contract
from proofwatch.instants import ms_of
from tests.unit.governance.scene import tenant

NOW = ms_of(datetime(2026, 5, 10, 12, tzinfo=UTC))
MARCH = Days(date(2026, 3, 1), date(2026, 4, 1))


def under(state: Any, starts: date = date(2026, 1, 1), until: date | None = None) -> Any:
    return tenant(contract=Contract(state=state, starts=starts, until=until))


@pytest.mark.parametrize(
    ("settings", "now", "march"),
    [
        (under("active"), True, True),
        (under("suspended"), False, True),
        (under("ended"), False, True),
        (under("draft"), False, False),
        (under("active", until=date(2026, 5, 10)), False, True),
        (under("active", until=date(2026, 5, 11)), True, True),
        (under("ended", until=date(2026, 3, 2)), False, True),
        (under("ended", until=date(2026, 3, 1)), False, False),
        (under("active", starts=date(2026, 3, 31)), True, True),
        (under("active", starts=date(2026, 4, 1)), True, False),
        (None, False, False),
    ],
)
def test_the_contract_decides(settings: Any, now: bool, march: bool) -> None:
    """Now for what is looked at; for a bill one of its days, for that was served under it. Unknown: nothing."""
    for days, wanted in ((None, now), (MARCH, march)):
        found = standing_of(settings, NOW, days)

        assert found.bases == (UNDER_CONTRACT if wanted else NO_CONTRACT)
        assert found.contract == ("unknown" if settings is None else settings.contract.state)
