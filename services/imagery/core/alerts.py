"""What the SOC is told at once: a grant that is tried by whom it was not given to; a broken glass, and its end."""

from datetime import datetime
from typing import Final

from proofwatch.bus.records import Outgoing
from proofwatch.events.codec import PLATFORM_ALERT
from proofwatch.events.enumerations import PlatformAlertState
from proofwatch.events.identity import derived_id
from proofwatch.events.topics import PLATFORM_ALERTS
from proofwatch.events.types import Access, PlatformAlert
from services.imagery.core.glass import Glass
from services.imagery.core.lease import Lease

_SERVICE: Final = "imagery"


def replayed(lease: Lease, person_id: str, at: datetime) -> Outgoing:
    """Return the alert, one for a lease and who tried it. It names the person's account, and nobody else."""
    alert = PlatformAlert(
        schema_version=1,
        alert_id=derived_id("platform-alert", _SERVICE, "replayed_grant", lease.lease_id, person_id),
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
        access=Access(
            tenant=lease.tenant,
            case_id=lease.case_id,
            grant_id=lease.lease_id,
            person=person_id,
            second_person=None,
            granted_to=lease.person_id,
            until=None,
        ),
    )
    return Outgoing(PLATFORM_ALERTS, _SERVICE.encode(), PLATFORM_ALERT.encode(alert))


def broken(glass: Glass, at: datetime) -> Outgoing:
    """Return the alert that two people have opened what is somebody else's case. It names accounts and the case."""
    assert glass.agreed_at is not None
    minutes = (glass.expires_at - glass.agreed_at).total_seconds() / 60
    summary = (
        f"Account {glass.person_id} may open imagery of case {glass.case_id}, which is not theirs, because account "
        f"{glass.second_person} agreed. To stop it: `proofwatch imagery glass-end {glass.glass_id} --as FILE`."
    )
    return _of_glass(glass, "firing", at, summary, {"minutes": minutes, "uses": float(glass.uses_left)})


def whole(glass: Glass, at: datetime) -> Outgoing:
    """Return that it is over: by its time, or because somebody stopped it."""
    summary = f"Nothing of case {glass.case_id} is opened by account {glass.person_id} any more."
    return _of_glass(glass, "resolved", at, summary, {"uses_left": float(glass.uses_left)})


def _of_glass(
    glass: Glass, state: PlatformAlertState, at: datetime, summary: str, values: dict[str, float]
) -> Outgoing:
    alert = PlatformAlert(
        schema_version=1,
        alert_id=derived_id("platform-alert", _SERVICE, "break_glass", glass.glass_id),
        state=state,
        severity="critical",  # its end as well: who was told the one is told the other
        service=_SERVICE,
        kind="break_glass",
        raised_at=at,
        summary=summary,
        values=values,
        access=Access(
            tenant=glass.tenant,
            case_id=glass.case_id,
            grant_id=glass.glass_id,
            person=glass.person_id,
            second_person=glass.second_person,
            granted_to=None,
            until=glass.ended_at or glass.expires_at,
        ),
    )
    return Outgoing(PLATFORM_ALERTS, _SERVICE.encode(), PLATFORM_ALERT.encode(alert))
