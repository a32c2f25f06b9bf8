"""What the incident stage tells of the anomalies of a run, for tests of what is shown of it."""

from pathlib import Path

import msgspec

from proofwatch.detection.incident import Incident
from proofwatch.detection.incident_event import event_of
from proofwatch.detection.incidents import Incidents, regrouped, take
from proofwatch.events import types
from proofwatch.events.types import Anomaly
from services.standalone.incidents import read_incidents


def events_in(folder: Path) -> list[types.Incident]:
    """Return the last event of each incident of the anomalies in `folder`."""
    by_tenant: dict[str, list[Anomaly]] = {}
    for line in (folder / "anomalies.jsonl").read_bytes().splitlines():
        found = msgspec.json.decode(line, type=Anomaly)  # not by the codec: these hold what no codec lets in
        by_tenant.setdefault(found.tenant, []).append(found)
    steps = [regrouped(take(Incidents(), those)) for those in by_tenant.values()]
    return [event_of(each) for step in steps for each in step.changes]


def incidents_in(folder: Path) -> list[Incident]:
    """Return them as the report gets them."""
    return read_incidents(events_in(folder), folder)
