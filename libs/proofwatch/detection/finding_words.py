"""Findings in plain English: what, where, since when, how sure, how many people, what next; incidents are told by them.

What a segment is called is the caller's to say: not every reader may see it.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from proofwatch.detection.certainty_words import finding_certainty
from proofwatch.detection.findings import INJECTED, PROVEN
from proofwatch.detection.harm import harm_of
from proofwatch.detection.label_words import ASK_FOR_LABELS, LABELS
from proofwatch.detection.people_words import people_of
from proofwatch.detection.rule_words import words_of
from proofwatch.detection.words import (
    ATTACKED,
    BECAME,
    ENDED,
    HOLD_ACCOUNTS,
    HOLD_NAMED,
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

_OF_LIMITS: Final = frozenset({"limit_breach", "sequential_limit"})
OF_RATES: Final = frozenset({"cusum", "twice_baseline"})
"""Rules that compare a rate with what is usual; where nobody knows, with what the policy expects."""
ATTEMPTS: Final[Mapping[str | None, str]] = {"first_attempts": " first attempts"}
"""What is counted, by how; else all attempts are."""
_MOST_SPECIES: Final = 3


def finding_sentence(anomaly: Anomaly, where: str) -> str:
    """Return one revision of an anomaly in sentences; `where` names its transactions as the reader may know them."""
    if anomaly.state == "resolved":
        return f"{capital(what(anomaly))} at {where}: {_end(anomaly)}"
    since = anomaly.since or anomaly.window_start
    begun = since_words(anomaly, since)
    said = f"{capital(what(anomaly))} at {where} {begun}: {rates(anomaly, since)}. {finding_certainty(anomaly)}"
    return f"{said}{people_of(anomaly)} Next: {next_step(anomaly)}.{needed(anomaly)}"


def finding_title(anomaly: Anomaly, where: str) -> str:
    """Return one revision of an anomaly in a few words."""
    if anomaly.state == "firing":
        return f"{capital(what(anomaly))} at {where}"
    ended = ENDED[anomaly.resolution or "within"]
    since = f" since {minute(anomaly.window_start, anomaly.time_zone)}" if anomaly.resolution else ""
    return f"{capital(metric_words(anomaly.metric))} at {where}: {ended}{since}"


def since_words(anomaly: Anomaly, since: datetime) -> str:
    """Return since when it is so; of labels that tell no day the days that they are of: nobody knows which began it."""
    length = anomaly.window_end - anomaly.window_start
    # of several limits together the first window's first midnight is no begin either
    if anomaly.rule in _OF_LIMITS and anomaly.since is None and since <= anomaly.window_start < since + length:
        first, end = anomaly.window_start, anomaly.window_end - timedelta(microseconds=1)
        days = [f"{local(each, anomaly.time_zone):%Y-%m-%d}" for each in (first, end)]
        return f"from {days[0]} to {days[1]}"
    return f"since {minute(since, anomaly.time_zone)}"


def misses_target(anomaly: Anomaly) -> bool:
    """Return whether it is the target that is proven missed, and not the limit broken."""
    return anomaly.rule == "limit_breach" and anomaly.severity == "low_evidence"


def what(anomaly: Anomaly) -> str:
    """Return what is wrong, in a clause that `where` follows; of attacks by which species, as labels name them."""
    metric = f"{metric_words(anomaly.metric)}{_by(anomaly.species or ())}"
    if misses_target(anomaly):
        return MISSED_TARGET.format(metric=metric)
    if anomaly.rule in _OF_LIMITS and anomaly.metric.partition(":")[0] == INJECTED:
        return ATTACKED.format(metric=metric)
    if anomaly.metric == LABELS and (of_labels := words_of(anomaly)):
        return of_labels.title
    if shape := SHAPES_OTHERWISE.get((anomaly.rule, anomaly.direction or "up")) or SHAPES.get(anomaly.rule):
        return shape.format(metric=metric)
    return f"too {'few' if anomaly.direction == 'down' else 'many'} {metric}"


def next_step(anomaly: Anomaly, since: datetime | None = None) -> str:
    """Return what to do next; `since`: when it began, for a window that is counted on moves away from it."""
    if anomaly.metric == LABELS:
        return ASK_FOR_LABELS
    harm = harm_of(anomaly)
    if harm == "attackers_in" and anomaly.rule in _OF_LIMITS and anomaly.metric.partition(":")[0] == INJECTED:
        return HOLD_ACCOUNTS.format(tenant=anomaly.tenant, since=_first_day(anomaly, since))
    if harm == "attackers_in" and anomaly.rule in _OF_LIMITS:
        held = HOLD_NAMED.format(tenant=anomaly.tenant, since=_first_day(anomaly, since))
        return f"{held}; {NEXT_STEPS[anomaly.action]}"
    if harm == "people_in" and anomaly.rule in OF_RATES:
        return LET_IN
    step = NEXT_STEPS_BY_RULE.get((anomaly.rule, anomaly.direction or "up"), NEXT_STEPS[anomaly.action])
    if anomaly.metric in BECAME and anomaly.rule in OF_RATES and anomaly.direction != "down":
        return f"{TRY_AGAIN}; {step}"
    return step


def needed(anomaly: Anomaly) -> str:
    """Return how many trials are still needed to prove it, as a sentence after a blank; empty where none are."""
    if anomaly.trials_needed:
        proven = "the limit broken" if misses_target(anomaly) else "it"
        return f" About {anomaly.trials_needed:,} more trials are needed to prove {proven}."
    return ""


def _first_day(anomaly: Anomaly, since: datetime | None) -> str:
    """Return the first day that the counts are of, by the tenant's clock, as `--since` takes it."""
    begins = (each for each in (anomaly.window_start, anomaly.since, since) if each is not None)
    return f"{local(min(begins), anomaly.time_zone):%Y-%m-%d}"


def _end(anomaly: Anomaly) -> str:
    start, end = (minute(each, anomaly.time_zone) for each in (anomaly.window_start, anomaly.window_end))
    if anomaly.resolution is None:
        return (
            f"{ENDED['within']} in the window from {start} ({counts(anomaly)}; "
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


def rates(anomaly: Anomaly, since: datetime | None = None) -> str:
    """Return the figures of a finding, or the words that its rule has instead; `since`: what is said already."""
    if words := words_of(anomaly):  # what is no rate has words of its own
        said = words.sentence[:-1]
        return said if since is None else said.removesuffix(f", since {minute(since, anomaly.time_zone)}")
    interval = f"95 % interval {percent(anomaly.low)} to {percent(anomaly.high)}"
    guessed = anomaly.rule in OF_RATES and not anomaly.baseline_n
    against = "expected"
    if anomaly.rule in _OF_LIMITS:
        against = "target" if misses_target(anomaly) else "limit"
    by_policy = " by the policy: what is usual here is not known yet" if guessed else ""
    return f"{counts(anomaly)} ({interval}), {against} {percent(anomaly.baseline_rate)}{by_policy}"


def counts(anomaly: Anomaly) -> str:
    """Return how many of how many, and the rate."""
    return f"{anomaly.k:,} of {anomaly.n:,}{counted_words(anomaly)} = {percent(anomaly.rate)}"


def counted_words(anomaly: Anomaly) -> str:
    """Return what trials are, after a blank, where it is not all attempts: a limit of attacks is of the species named.

    Of several, APCER and IAPAR are counted of the first, which is the most certain; injections of all of them.
    """
    name, species = anomaly.metric.partition(":")[0], anomaly.species or ()
    if not species or name not in PROVEN or anomaly.rule not in _OF_LIMITS:
        return ATTEMPTS.get(anomaly.counted, "")
    return f" injections{_by(species)}" if name == INJECTED else f" attacks{_by(species[:1])}"


def _by(species: Sequence[str]) -> str:
    """Return which species, after a blank; empty where none is named."""
    if not species:
        return ""
    more = f" and {len(species) - _MOST_SPECIES:,} more" if len(species) > _MOST_SPECIES else ""
    return f" by {', '.join(species[:_MOST_SPECIES])}{more}"


def capital(text: str) -> str:
    """Return a text that begins a sentence."""
    return text[:1].upper() + text[1:]
