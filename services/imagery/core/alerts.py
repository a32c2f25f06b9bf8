"""What is told at once: a grant that is tried by whom it was not given to."""

from datetime import datetime
from typing import Final

from proofwatch.bus.records import Outgoing
from proofwatch.events.codec import PLATFORM_ALERT
from proofwatch.events.identity import derived_id
from proofwatch.events.topics import PLATFORM_ALERTS
from proofwatch.events.types import PlatformAlert

_SERVICE: Final = "imagery"


def replayed(lease_id: str, person_id: str, at: datetime) -> Outgoing:
    """Return the alert, one for a lease and who tried it. It names the person's account, and nobody else."""
    alert = PlatformAlert(
        schema_version=1,
        alert_id=derived_id("platform-alert", _SERVICE, "replayed_grant", lease_id, person_id),
        state="firing",
        severity="critical",
        service=_SERVICE,
        kind="replayed_grant",
        raised_at=at,
        summary=(
            f"A grant of imagery was tried by a session that it was not given to (account {person_id}); nothing was "
            f"opened. Find out how they came by it: `proofwatch audit search --entry-action 'imagery.*' "
            f"--actor {person_id}`."
        ),
        values={},
    )
    return Outgoing(PLATFORM_ALERTS, _SERVICE.encode(), PLATFORM_ALERT.encode(alert))
