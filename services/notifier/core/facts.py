"""What can be notified, in one shape, and its words: identifiers and numbers only, no subject data.

Left out on purpose: subject tags, transaction ids, imagery, segment values, and the free text of platform alerts.
Whoever is notified looks the identifier up where access is controlled.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from msgspec.structs import replace

from proofwatch.detection.rule_words import words_of
from proofwatch.detection.sentences import finding_sentence, finding_title
from proofwatch.detection.words import minute, percent
from proofwatch.events import topics
from proofwatch.events.enumerations import NotificationSeverity, NotificationState
from proofwatch.events.types import Anomaly, Escalation, PlatformAlert

_NAME: Final = re.compile(r"[a-z][a-z0-9_.-]{0,63}")
_LIMITS: Final = ("limit_breach", "sequential_limit")
_MAX_SHOWN: Final = 8  # keeps the summary within the schema's limit


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


def of_anomaly(anomaly: Anomaly) -> Fact | None:
    """Return the fact, or None for backfill, which is never notified.

    Raises `OverflowError` for a time that in UTC lies outside the years 1 to 9999.
    """
    if anomaly.backfill:
        return None
    named = replace(anomaly, metric=_name(anomaly.metric))
    whom = f"all of {anomaly.tenant}" if anomaly.segment_name is None else f"one segment of {anomaly.tenant}"
    title, told = finding_title(named, whom), finding_sentence(named, whom)
    firing = anomaly.state == "firing"
    if anomaly.resolution is None and (words := words_of(anomaly)):  # what is no rate has words of its own
        title = f"{named.metric} of {whom}: {words.title if firing else 'is as usual again'}"
        told = words.sentence if firing else f"As usual again at {minute(anomaly.window_end)}."
    elif anomaly.resolution is None and anomaly.rule in _LIMITS:  # and so has what is promised
        title = f"{named.metric} of {whom} {'is above its limit' if firing else 'is within its limit again'}"
        told = _of_limit(anomaly, named.metric)
    return Fact(
        source_topic=topics.ANOMALIES,
        source_id=anomaly.anomaly_id,
        source_revision=anomaly.revision,
        tenant=anomaly.tenant,
        severity="high" if anomaly.severity == "high" else "low",
        state=anomaly.state,
        title=title,
        summary=(
            f"{told} Anomaly {anomaly.anomaly_id}, revision {anomaly.revision}; "
            f"{named.metric}, rule {anomaly.rule}, {anomaly.cadence} watch, action {anomaly.action}."
        ),
        at=anomaly.window_end.astimezone(UTC),
    )


def _of_limit(anomaly: Anomaly, metric: str) -> str:
    """Return what is known of a promised limit, since when, how surely, and whom it concerns, in numbers."""
    said = (
        f"{metric} = {anomaly.k}/{anomaly.n} = {percent(anomaly.rate)} (95 % interval {percent(anomaly.low)} to "
        f"{percent(anomaly.high)}) in the 28 days to {minute(anomaly.window_end)}; limit "
        f"{percent(anomaly.baseline_rate)}, p = {anomaly.p_value:.2g}."
    )
    if anomaly.species:
        said += f" Species: {', '.join(_name(each) for each in anomaly.species[:_MAX_SHOWN])}."
    if anomaly.since is not None:
        said += f" Since {minute(anomaly.since)}."
    if anomaly.known_at is not None:
        said += f" Known at {minute(anomaly.known_at)}."
    if anomaly.affected is not None:
        said += f" About {anomaly.affected:.0f} errors beyond it."
    if anomaly.trials_needed is not None:
        said += f" Some {anomaly.trials_needed} more trials would prove the limit itself broken."
    return said


def of_escalation(escalation: Escalation) -> Fact:
    """Return the fact: a case for people, or the end of one. Raises `OverflowError` as above."""
    closed = escalation.status == "closed"
    kind = "Cohort" if escalation.subject_tag is None else "Subject"
    codes: dict[str, int] = {}
    for reason in escalation.reasons:
        codes[_name(reason.code)] = codes.get(_name(reason.code), 0) + 1
    reasons = ", ".join(f"{code} × {count}" for code, count in sorted(codes.items())[:_MAX_SHOWN])
    newest = escalation.reasons[-1].evidence if escalation.reasons else {}
    return Fact(
        source_topic=topics.ESCALATIONS,
        source_id=escalation.case_id,
        source_revision=escalation.revision,
        tenant=escalation.tenant,
        severity=escalation.severity,
        state="resolved" if closed else "raised",
        title=f"{kind} case of {escalation.tenant} {escalation.status}: {escalation.queue}, {escalation.severity}",
        summary=(
            f"Case {escalation.case_id}, revision {escalation.revision}: {len(escalation.reasons)} reasons "
            f"({reasons}). Newest: {_numbers(newest)}."
        ),
        at=escalation.raised_at.astimezone(UTC),
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
        title=f"{service}: {alert.kind} {'is wrong' if firing else 'is right again'}",
        summary=f"Alert {alert.alert_id} of {service}, {alert.kind}, {alert.severity}: {_numbers(alert.values)}.",
        at=alert.raised_at.astimezone(UTC),
    )


def _numbers(values: Mapping[str, float]) -> str:
    shown = [f"{name} = {value:.6g}" for name, value in sorted(values.items()) if _NAME.fullmatch(name)]
    return ", ".join(shown[:_MAX_SHOWN]) or "no numbers"


def _name(text: str) -> str:
    """Return a code as it is, and anything that is no code as a word that gives nothing away."""
    return text if _NAME.fullmatch(text) else "unnamed"
