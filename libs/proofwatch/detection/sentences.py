"""Findings and incidents in plain English: what, where, since when, how sure, how many people, what next.

The one place where they get words. What a segment is called is the caller's to say: not every reader may see it.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from proofwatch.detection.certainty_words import finding_certainty, incident_certainty
from proofwatch.detection.course_words import course, last_rise, standing
from proofwatch.detection.findings import INJECTED, WHOLE, Slice
from proofwatch.detection.harm import harm_of
from proofwatch.detection.incident import Incident, protected
from proofwatch.detection.label_words import ASK_FOR_LABELS, LABELS
from proofwatch.detection.people_words import incident_people, people_of
from proofwatch.detection.proof_words import proof_sentence, proof_title
from proofwatch.detection.root_slice import Counts
from proofwatch.detection.rule_words import words_of
from proofwatch.detection.slice_names import slice_words
from proofwatch.detection.words import (
    ATTACKED,
    BECAME,
    ENDED,
    HOLD_ACCOUNTS,
    LET_IN,
    MISSED_TARGET,
    NEXT_STEPS,
    NEXT_STEPS_BY_RULE,
    SHAPES,
    SHAPES_OTHERWISE,
    TRY_AGAIN,
    metric_words,
    percent,
)
from proofwatch.events.types import Anomaly
from proofwatch.local_time import local, minute

Named = Callable[[Slice, str], str]
"""How a reader may know a slice of a tenant: `slice_words`, or `notice_words` without what a notice may not say."""
_MAX_ALIKE: Final = 4
_DAY: Final = timedelta(days=1)
_OF_LIMITS: Final = frozenset({"limit_breach", "sequential_limit"})
_OF_RATES: Final = frozenset({"cusum", "twice_baseline"})
_ATTEMPTS: Final[Mapping[str | None, str]] = {"first_attempts": " first attempts"}


class IncidentFacts(NamedTuple):
    """What follows the title of an incident, apart; `until` is its course. Empty where there is nothing."""

    until: str
    evidence: str
    people: str
    next_step: str
    needed: str


def finding_sentence(anomaly: Anomaly, where: str) -> str:
    """Return one revision of an anomaly in sentences; `where` names its transactions as the reader may know them."""
    if anomaly.state == "resolved":
        return f"{_capital(what(anomaly))} at {where}: {_end(anomaly)}"
    since = _since(anomaly, anomaly.since or anomaly.window_start)
    said = f"{_capital(what(anomaly))} at {where} {since}: {_rates(anomaly)}. {finding_certainty(anomaly)}"
    return f"{said}{people_of(anomaly)} Next: {next_step(anomaly)}.{needed(anomaly)}"


def finding_title(anomaly: Anomaly, where: str) -> str:
    """Return one revision of an anomaly in a few words."""
    if anomaly.state == "firing":
        return f"{_capital(what(anomaly))} at {where}"
    ended = ENDED[anomaly.resolution or "within"]
    since = f" since {minute(anomaly.window_start, anomaly.time_zone)}" if anomaly.resolution else ""
    return f"{_capital(metric_words(anomaly.metric))} at {where}: {ended}{since}"


def incident_sentence(incident: Incident, name: Named = slice_words) -> str:
    """Return an incident in sentences, its slices as the reader may know them."""
    return f"{incident_title(incident, name)}. {incident_details(incident, name)}"


def incident_details(incident: Incident, name: Named = slice_words) -> str:
    """Return what follows the title of an incident: until when, how many, how sure, how far, whom, and what next."""
    facts = incident_facts(incident, name)
    until, people, missing = (f"{each} " if each else "" for each in (facts.until, facts.people, facts.needed))
    return f"{until}{facts.evidence} {people}Next: {facts.next_step}. {missing}".rstrip()


def incident_facts(incident: Incident, name: Named = slice_words) -> IncidentFacts:
    """Return what `incident_details` says, apart."""
    lead, root = incident.lead, incident.root
    only_people = ", but not by what people are" if protected(root.where) else ""
    proven = f"{proof_sentence(incident)} " if incident.proof else ""
    return IncidentFacts(
        until=course(incident),
        evidence=f"{proven}{_evidence(incident, name)}. {incident_certainty(incident)}{_share(incident, name)}",
        people=incident_people(incident).strip(),
        next_step=HOLD_ACCOUNTS if incident.proof else f"{_step(incident)}{only_people}",
        needed=needed(lead).strip(),
    )


def incident_title(incident: Incident, name: Named = slice_words) -> str:
    """Return an incident in a few words: what, where, since when."""
    where = _where(incident, name)
    seen = f"{what(incident.lead)} at {where} {_since(incident.lead, incident.since)}"
    return f"{proof_title(incident.proof)}: {seen}" if incident.proof else _capital(seen)


def _where(incident: Incident, name: Named) -> str:
    """Return which transactions an incident is of: those of a slice, with a version where it is so with that."""
    where = name(incident.root.where, incident.tenant)
    if incident.version is None:
        return where
    return f"{where.removesuffix(f' of {incident.tenant}')} with {name(incident.version, incident.tenant)}"


def _step(incident: Incident) -> str:
    return next_step(incident.lead) if incident.version is None else NEXT_STEPS["hold_or_roll_back_release"]


def incident_news(incident: Incident, name: Named = slice_words, *, risen: bool = False, proven: bool = False) -> str:
    """Return the title as news: what became of it stands first, where it does not go on, or has `risen` again.

    `proven`: the news is what labels prove, whether it ended or not.
    """
    title = incident_title(incident, name)
    if proven and incident.proof:
        return title
    if incident.state == "merged":
        return f"Part of another incident: {title}"
    if incident.until is not None and incident.ended_by is not None:
        return f"Ended ({ENDED[incident.ended_by]}): {title}"
    if risen and (rise := last_rise(incident)):
        return f"Rose again since {minute(rise.since, incident.lead.time_zone)}: {title}"
    return f"{_capital(standing(incident))}: {title}" if incident.log_end else title


def _since(anomaly: Anomaly, since: datetime) -> str:
    """Return since when it is so; of labels that tell no day the days that they are of: nobody knows which began it."""
    length = anomaly.window_end - anomaly.window_start
    # of several limits together the first window's first midnight is no begin either
    if anomaly.rule in _OF_LIMITS and anomaly.since is None and since <= anomaly.window_start < since + length:
        days = round(length / _DAY)
        last = local(anomaly.window_end - timedelta(microseconds=1), anomaly.time_zone)
        return f"over the {days} days to {last:%Y-%m-%d}"
    return f"since {minute(since, anomaly.time_zone)}"


def misses_target(anomaly: Anomaly) -> bool:
    """Return whether it is the target that is proven missed, and not the limit broken."""
    return anomaly.rule == "limit_breach" and anomaly.severity == "low_evidence"


def what(anomaly: Anomaly) -> str:
    """Return what is wrong, in a clause that `where` follows."""
    metric = metric_words(anomaly.metric)
    if misses_target(anomaly):
        return MISSED_TARGET.format(metric=metric)
    if anomaly.rule in _OF_LIMITS and anomaly.metric.partition(":")[0] == INJECTED:
        return ATTACKED.format(metric=metric)
    if anomaly.metric == LABELS and (of_labels := words_of(anomaly)):
        return of_labels.title
    if shape := SHAPES_OTHERWISE.get((anomaly.rule, anomaly.direction or "up")) or SHAPES.get(anomaly.rule):
        return shape.format(metric=metric)
    return f"too {'few' if anomaly.direction == 'down' else 'many'} {metric}"


def next_step(anomaly: Anomaly) -> str:
    """Return what to do next."""
    if anomaly.metric == LABELS:
        return ASK_FOR_LABELS
    harm = harm_of(anomaly)
    if harm == "attackers_in" and anomaly.rule in _OF_LIMITS and anomaly.metric.partition(":")[0] == INJECTED:
        return HOLD_ACCOUNTS
    if harm == "people_in" and anomaly.rule in _OF_RATES:
        return LET_IN
    step = NEXT_STEPS_BY_RULE.get((anomaly.rule, anomaly.direction or "up"), NEXT_STEPS[anomaly.action])
    if anomaly.metric in BECAME and anomaly.rule in _OF_RATES and anomaly.direction != "down":
        return f"{TRY_AGAIN}; {step}"
    return step


def needed(anomaly: Anomaly) -> str:
    """Return how many trials are still needed to prove it, as a sentence after a blank; empty where none are."""
    if anomaly.trials_needed:
        proven = "the limit broken" if misses_target(anomaly) else "it"
        return f" About {anomaly.trials_needed:,} more trials are needed to prove {proven}."
    return ""


def incident_account(found: Sequence[Incident]) -> str:
    """Return how many incidents there are, and how many groups of findings are no more than chance."""
    strong = sum(each.evidence == "strong" for each in found)
    weak = len(found) - strong
    told = f"{strong:,} incident{'' if strong == 1 else 's'}" if strong else "No incident"
    return f"{told}; {weak:,} of weak evidence or a missed target, told to nobody" if weak else told


def _evidence(incident: Incident, name: Named) -> str:
    """Return the rates of the root; where only its tenant was judged, its counts in that window beside these rates."""
    lead, root = incident.lead, incident.root
    found = _rates(lead)
    k, n, rest = root.counts.k, root.counts.n, root.rest
    beside = root.where != WHOLE and lead.segment_name is None and not words_of(lead)
    if not beside or not n or rest is None or (k + rest.k, n + rest.n) != (lead.k, lead.n):
        return found  # counts of another window than the one that leads are not told as though they were of it
    own = f"{k:,} of {n:,}{_ATTEMPTS.get(lead.counted, '')} = {percent(k / n)}"
    judged = name((lead.segment_name, lead.segment_value), incident.tenant)
    return f"{own}. That is where it comes from: {judged} had {found}"


def _end(anomaly: Anomaly) -> str:
    start, end = (minute(each, anomaly.time_zone) for each in (anomaly.window_start, anomaly.window_end))
    if anomaly.resolution is None:
        return (
            f"{ENDED['within']} in the window from {start} ({_counts(anomaly)}; "
            f"expected {percent(anomaly.baseline_rate)})."
        )
    if anomaly.resolution == "judged_anew":
        return (
            f"{ENDED['judged_anew']} since {start}: it had been compared with what was before. "
            "What the change did is told by a comparison of before and after. A case that it opened waits for a person."
        )
    return (
        f"{ENDED[anomaly.resolution]} since {start}, seen at {end}. "
        "It ended for want of trials; its rate did not come back. A case that it opened waits for a person."
    )


def _rates(anomaly: Anomaly) -> str:
    if words := words_of(anomaly):  # what is no rate has words of its own
        return words.sentence[:-1]
    interval = f"95 % interval {percent(anomaly.low)} to {percent(anomaly.high)}"
    guessed = anomaly.rule in _OF_RATES and not anomaly.baseline_n
    against = "expected"
    if anomaly.rule in _OF_LIMITS:
        against = "target" if misses_target(anomaly) else "limit"
    by_policy = " by the policy: what is usual here is not known yet" if guessed else ""
    return f"{_counts(anomaly)} ({interval}), {against} {percent(anomaly.baseline_rate)}{by_policy}"


def _counts(anomaly: Anomaly) -> str:
    return f"{anomaly.k:,} of {anomaly.n:,}{_ATTEMPTS.get(anomaly.counted, '')} = {percent(anomaly.rate)}"


def _share(incident: Incident, name: Named) -> str:
    root = incident.root
    if root.where == WHOLE or root.share is None:
        return ""
    alike = " and ".join(name(each, incident.tenant) for each in root.confounded[:_MAX_ALIKE])
    named = f" (not to be told from {alike})" if alike else ""
    return f" It holds {100 * root.share:.0f} % of the excess of {incident.tenant}{named}{_rest(root.rest)}."


def _rest(rest: Counts | None) -> str:
    if rest is None:
        return ""
    if not rest.n:
        return "; there is nothing beside it"
    return f"; the rest is at {percent(rest.k / rest.n)} ({rest.k:,} of {rest.n:,}), expected {percent(rest.baseline)}"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
