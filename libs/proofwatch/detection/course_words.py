"""The course of an incident in words: how well its begin is known, what was before, how it rose, and its end."""

from datetime import timedelta
from typing import Final

from proofwatch.detection.findings import WHOLE
from proofwatch.detection.incident import Incident
from proofwatch.detection.runs import BY_LABELS, EXACT
from proofwatch.detection.version_words import VERSION_CHANGE
from proofwatch.detection.words import ENDED, ROLLED_BACK, metric_words, percent, plain_metric
from proofwatch.events.types import Step
from proofwatch.local_time import minute

_FIRST: Final = "saturation"
"""The rule that says the first minute with what it found; of the others some weigh many together."""
_KNOWN_BY_THEN: Final = "within what is usual here, as far as that was known by then, or else within what is expected"
_OPEN: Final = "What labels prove of them is open until the accounts are held."
_MINUTE: Final = timedelta(minutes=1)
_DAY: Final = timedelta(days=1)


def course(incident: Incident) -> str:
    """Return the course in sentences; empty where there is nothing to say."""
    if incident.ever_so:
        return " ".join(each for each in (_until(incident), _standing(incident)) if each)
    said = (_begin(incident), _before(incident), _rise(incident), _until(incident), _standing(incident))
    return " ".join(each for each in said if each)


def standing(incident: Incident) -> str:
    """Return in a few words that it stands where its log ends; empty where it does not."""
    return f"standing when the {incident.log_end.log} ends" if incident.log_end else ""


def ended_words(incident: Incident) -> str:
    """Return how an incident that is over ended: of a release, that nothing runs on it any more."""
    assert incident.ended_by is not None, "asked only of what is over"
    return ROLLED_BACK if is_rolled_back(incident) else ENDED[incident.ended_by]


def is_rolled_back(incident: Incident) -> bool:
    """Return whether a release's incident is over because nothing runs on it any more."""
    of_release = incident.root.where if incident.version is None else incident.version
    return incident.ended_by == "no_traffic" and VERSION_CHANGE in incident.rules and of_release != WHOLE


def last_rise(incident: Incident) -> Step | None:
    """Return the last rise that people were told of; None: there is none."""
    return next((each for each in reversed(incident.steps) if each.told), None)


def _begin(incident: Incident) -> str:
    low, high, zone = incident.since_low, incident.since_high, incident.lead.time_zone
    to_the_minute = incident.lead.rule == _FIRST if low is None or high is None else high - low <= _MINUTE
    if to_the_minute and incident.lead.since == incident.since:
        return "That is the first minute that shows it."
    if low is not None and high is not None:
        return f"It began between {minute(low, zone)} and {minute(high, zone)} (90 % sure)."
    return "When it began is known roughly only." if EXACT & set(incident.rules) else ""


def _before(incident: Incident) -> str:
    """Return what there was before it began, if a chart climbed by two levels, one after the other."""
    drifts = [each for each in incident.steps if each.direction == "up" and not each.told]
    before = [each for each in drifts if each.since < incident.since]
    drift = next((each for each in before if each.metric == incident.lead.metric), None)
    if drift is None:
        return ""
    return (
        f"Before, they were higher than usual already since {minute(drift.since, incident.lead.time_zone)}: "
        f"{percent(drift.to_rate)} ({drift.k:,} of {drift.n:,}) in place of {percent(drift.from_rate)}."
    )


def _rise(incident: Incident) -> str:
    """Return the last rise that people were told of, and whether it fell back since then."""
    rise = last_rise(incident)
    if rise is None:
        return ""
    zone = incident.lead.time_zone
    metric = metric_words(plain_metric(rise.metric))
    said = (
        f"It rose again since {minute(rise.since, zone)}, known {minute(rise.known_at, zone)}: {metric} went from "
        f"{percent(rise.from_rate)} to {percent(rise.to_rate)} ({rise.k:,} of {rise.n:,}), "
        f"{rise.k - rise.n * rise.from_rate:,.0f} more by then."
    )
    after = incident.steps[incident.steps.index(rise) + 1 :]
    last = next((each for each in reversed(after) if each.metric == rise.metric), None)
    if last is None or last.direction == "up":
        return said
    return f"{said} It fell back since {minute(last.since, zone)}, to {percent(last.to_rate)}, and is not over by that."


def _until(incident: Incident) -> str:
    zone = incident.lead.time_zone
    if incident.until is not None and incident.ended_by is not None:
        ended = _KNOWN_BY_THEN if incident.ever_so and incident.ended_by == "within" else ended_words(incident)
        # an alarm that labels keep open may not say that it is over
        what, left = ("The failures", f" {_OPEN}") if incident.proof else ("It", "")
        said = f"{what} ended {minute(incident.until, zone)}: {ended}."
        known = incident.until_known
        late = "" if known is None or known <= incident.until else f" Known {minute(known, zone)}."
        return f"{said}{late}{left}"
    if incident.quiet_since is not None:
        return f"Windows shorter than a day are quiet since {minute(incident.quiet_since, zone)}; the day is not."
    return ""


def _standing(incident: Incident) -> str:
    """Return that nothing says what becomes of it, and since when: the end of a log is no evidence."""
    if incident.log_end is None:
        return ""
    zone = incident.lead.time_zone
    at = minute(incident.log_end.at, zone)
    said = f"It stands when the {incident.log_end.log} ends, {at}: what became of it after that is not known."
    counted = max(each for each in (incident.lead.window_end, incident.rejected_by, incident.accepted_by) if each)
    if incident.ever_so or incident.lead.rule in BY_LABELS or incident.log_end.at - counted < _DAY:
        return said
    return (
        f"{said} Nothing more of it was counted since {minute(counted, zone)}, and too few attempts came since then to "
        "say that it is over."
    )
