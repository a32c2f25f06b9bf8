"""What can be notified, in one shape, and in words: no subject data, and no codes but the identifier to look up.

Left out on purpose: subject tags, transaction ids, imagery, values of segments that `detection.slice_names` does not
have in notices, and the free text of platform alerts. Whoever is notified looks the identifier up where access is
controlled.
"""

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from proofwatch.detection.case_words import ACCESS, ALERTS, QUEUES, numbers_words, reason_words
from proofwatch.detection.growth import NEWS
from proofwatch.detection.known_by import known_by
from proofwatch.events import topics
from proofwatch.events.enumerations import EscalationStatus, NotificationSeverity, NotificationState
from proofwatch.events.identity import case_id, derived_id
from proofwatch.events.types import Escalation, Incident, PlatformAlert
from proofwatch.instants import ms_of

_NAME: Final = re.compile(r"[a-z][a-z0-9_.-]{0,63}")
_CASES: Final[Mapping[EscalationStatus, str]] = {
    "open": "opened for {}",
    "escalated": "escalated to {}",
    "closed": "closed",
}
_TITLE: Final = 256
_SUMMARY: Final = 2048
"""The schema's limits."""
_HOUR_MS: Final = 3_600_000
_MAX_SHOWN: Final = 8  # keeps the summary within the schema's limit
SOURCES: Final[Mapping[str, str]] = {
    topics.INCIDENTS: "incident",
    topics.ESCALATIONS: "case",
    topics.PLATFORM_ALERTS: "platform",
}
"""What the label `source` says of each topic."""


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing that happened, ready to be routed."""

    source_topic: str
    source_id: str
    source_revision: int
    tenant: str | None
    severity: NotificationSeverity
    state: NotificationState
    title: str
    summary: str
    at: datetime
    labels: Mapping[str, str]
    """What routes, groups, silences and inhibitions go by: `source`, `tenant`, `severity`, `kind`, and what there is of
    `metric`, `slice`, `service`, `queue`. Plain names only."""
    once: bool = False
    """Whether nothing ends it: it is told, and forgotten."""

    @property
    def alert_id(self) -> str:
        """What is told as one thing from its beginning to its end."""
        return f"{SOURCES[self.source_topic]}/{self.source_id}"

    @property
    def is_over(self) -> bool:
        """Whether it has ended."""
        return self.state == "resolved"


def of_incident(incident: Incident) -> Fact | None:
    """Return the fact: it began, rose, rose again, came back, ended, or more is known of it by now. None: no news.

    More is that a version turned out to be what it came with, or that twice as much is proven. What merged is told by
    the incident that it became a part of; what chance explains is told to nobody. The words are the incident's own,
    those for notices. Raises `OverflowError` for a time that in UTC lies outside the years 1 to 9999.
    """
    if incident.change not in NEWS:
        return None
    proven = incident.change == "grew" or (incident.change == "rose" and incident.proof is not None)
    ended = incident.state == "ended" and not proven
    children = incident.children_count
    further = f"{children:,} further finding{' is' if children == 1 else 's are'} part of it. " if children else ""
    case = case_id(incident.tenant, "incident", incident.incident_id)
    last = f"{further}Incident {incident.incident_id}, revision {incident.revision}; case {case}."
    return Fact(
        source_topic=topics.INCIDENTS,
        source_id=incident.incident_id,
        source_revision=incident.revision,
        tenant=incident.tenant,
        severity=incident.severity,
        state="resolved" if ended else "firing",
        title=_fitting(incident.notice_title, _TITLE),
        summary=f"{_fitting(incident.notice, _SUMMARY - len(last) - 1)} {last}",
        at=known_by(incident).astimezone(UTC),
        labels=_labels(
            "incident",
            incident.tenant,
            incident.severity,
            kind=incident.rule,
            metric=incident.metric,
            action=incident.action,
            attribute=incident.root[0].segment_name if incident.root else "",
        ),
    )


def of_escalation(escalation: Escalation) -> Fact:
    """Return the fact: a case for people, or the end of one. Raises `OverflowError` as above.

    It is told where a route names escalations: cases are a list for those who work on them. Those of subjects come by
    the hundred when something is wrong. The queue has them all; of those that are raised the first of a tenant in each
    hour is told, as one fact: the others have its id, and are known.
    """
    closed = escalation.status == "closed"
    subject = escalation.subject_tag is not None
    whys = Counter(reason_words(reason.code) for reason in escalation.reasons)
    counted = (f"{why} ({count} times)" if count > 1 else why for why, count in sorted(whys.items())[:_MAX_SHOWN])
    newest = escalation.reasons[-1].evidence if escalation.reasons else {}
    at = escalation.raised_at.astimezone(UTC)
    bundle = derived_id("subjects", escalation.tenant, escalation.severity, ms_of(at) // _HOUR_MS)
    bundled = subject and not closed
    more = " Further ones of this hour are in the queue only: proofwatch cases list has them all." if bundled else ""
    of_access = any(reason.code in ACCESS for reason in escalation.reasons)
    kind = "a person" if subject else "access to imagery" if of_access else "an incident"
    whose = f"A case of {kind} of {escalation.tenant}"
    of_a_person = min(whys) if subject and not closed and whys else None
    what = f": {escalation.title or of_a_person}" if escalation.title or of_a_person else ""
    next_step = "" if closed else f" Next: take it (proofwatch cases take {escalation.case_id}) and look at it."
    return Fact(
        source_topic=topics.ESCALATIONS,
        source_id=bundle if bundled else escalation.case_id,
        source_revision=1 if bundled else escalation.revision,
        tenant=escalation.tenant,
        severity=escalation.severity,
        state="resolved" if closed else "raised",
        title=_fitting(f"{whose}, {_CASES[escalation.status].format(QUEUES[escalation.queue])}{what}", _TITLE),
        summary=_fitting(
            f"{escalation.severity.capitalize()} severity. Why: {'; '.join(counted) or 'no reason is given'}. "
            f"Newest: {numbers_words(newest)}.{next_step}{more} Case {escalation.case_id}, revision "
            f"{escalation.revision}.",
            _SUMMARY,
        ),
        at=at,
        labels=_labels(
            "case",
            escalation.tenant,
            escalation.severity,
            kind="subject" if subject else "incident",
            queue=escalation.queue,
        ),
        once=bundled,
    )


def of_platform_alert(alert: PlatformAlert) -> Fact:
    """Return the fact. An alert has no revision: it fires (1), then it is resolved (2). Raises as above."""
    firing = alert.state == "firing"
    service = _name(alert.service)
    return Fact(
        source_topic=topics.PLATFORM_ALERTS,
        source_id=alert.alert_id,
        source_revision=1 if firing else 2,
        tenant=None,
        severity=alert.severity,
        state=alert.state,
        title=f"{service} {ALERTS[alert.kind][not firing]}",
        summary=f"{alert.severity.capitalize()}: {numbers_words(alert.values)}. Alert {alert.alert_id}.",
        at=alert.raised_at.astimezone(UTC),
        labels=_labels("platform", None, alert.severity, kind=alert.kind, service=service),
    )


def _labels(source: str, tenant: str | None, severity: str, **further: str) -> dict[str, str]:
    """Return those that there are; what is no plain name gives nothing away."""
    found = {"source": source, "tenant": tenant or "", "severity": severity}
    return {**found, **{name: _name(value) for name, value in further.items() if value}}


def _name(text: str) -> str:
    """Return a code as it is, and anything that is no code as a word that gives nothing away."""
    return text if _NAME.fullmatch(text) else "unnamed"


def _fitting(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[: longest - 1]}…"
