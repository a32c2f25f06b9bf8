"""What `proofwatch notify` prints."""

from collections.abc import Sequence
from typing import Any, Final, cast

import msgspec

from proofwatch.instants import instant_of
from proofwatch.local_time import second
from services.notifier.adapters.handling import Decided, Said, Silenced, Told
from services.notifier.core.decisions import WORDS, Reason
from services.notifier.core.durations import words

_FIELDS: Final = ("severity", "kind", "metric", "service", "tenant")


def as_json(found: Sequence[Any]) -> str:
    """Return it as one JSON document."""
    return msgspec.json.format(msgspec.json.encode(found), indent=2).decode() + "\n"


def told(found: Sequence[Told], now_ms: int) -> str:
    """Return what channels know to fire."""
    if not found:
        return "nobody was told of anything that fires\n"
    lines = []
    for each in found:
        what = " ".join(each.labels[name] for name in _FIELDS if each.labels.get(name))
        care = f"; {each.acknowledged_by} takes care of it" if each.acknowledged_by else ""
        lines.append(f"{each.alert_id}  {what}, for {_ago(each.since_ms, now_ms)}, told on {each.channel}{care}")
    return "\n".join(lines) + "\n"


def decided(found: Sequence[Decided]) -> str:
    """Return what was decided of one thing, in order."""
    if not found:
        return "nothing is decided yet: it waits for more of its kind, or for its group's interval to be over\n"
    lines = []
    for each in found:
        why = WORDS[cast("Reason", each.reason)]
        by = f" ({each.by})" if each.by else ""
        message = ""
        if each.sequence is not None:
            state = f", {each.status}" if each.status else ""
            failed = f": {each.failed}" if each.failed else ""
            message = f"; message {each.sequence} of its group{state}{failed}"
        lines.append(
            f"{_time(each.at_ms)}  {each.alert_id} revision {each.revision}, {each.channel} by {each.route}: "
            f"{each.reason}: {why}{by}{message}"
        )
    return "\n".join(lines) + "\n"


def silences(found: Sequence[Silenced], now_ms: int) -> str:
    """Return silences, with what they hold back, by whom and why."""
    if not found:
        return "no silence holds, and none is to begin\n"
    return "".join(
        f"{each.silence_id}  {' '.join(each.matchers)}  {_until(each, now_ms)}, by {each.author}: {each.comment}\n"
        for each in found
    )


def silenced(silence: Silenced, covered: int) -> str:
    """Return what was begun."""
    fires = f"{covered:,} of what fires now {'is' if covered == 1 else 'are'} covered" if covered else (
        "nothing that fires now is covered"
    )  # fmt: skip
    return (
        f"silence {silence.silence_id} from {_time(silence.begins_ms)} until {_time(silence.ends_ms)}: "
        f"{' '.join(silence.matchers)}; {fires}. What ends is told all the same\n"
    )


def acknowledged(groups: int, said: Said) -> str:
    """Return what was acknowledged."""
    where = "channel" if groups == 1 else "channels"
    return (
        f"{said.granted.actor.id} takes care of what was told on {groups:,} {where}: it is not repeated, and nobody "
        "further is told, until it is graver\n"
    )


def _until(silence: Silenced, now_ms: int) -> str:
    if silence.expired_by:
        return f"ended {_time(silence.ends_ms)} by {silence.expired_by}"
    if silence.ends_ms <= now_ms:
        return f"over since {_time(silence.ends_ms)}"
    if silence.begins_ms > now_ms:
        return f"begins {_time(silence.begins_ms)}, until {_time(silence.ends_ms)}"
    return f"for {_ago(now_ms, silence.ends_ms)} more"


def _ago(from_ms: int, to_ms: int) -> str:
    """Return how long it is, to the minute once it is one."""
    span_ms = max(0, to_ms - from_ms)
    return words(span_ms - span_ms % (60_000 if span_ms >= 60_000 else 1_000))


def _time(ms: int) -> str:
    return second(instant_of(ms))
