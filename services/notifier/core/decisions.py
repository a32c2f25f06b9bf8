"""Why somebody was told of a fact, or not: the typed reasons that `proofwatch notify explain` shows."""

from typing import Final, Literal, NamedTuple, get_args

Reason = Literal[
    "sent",
    "grouped",
    "silenced",
    "inhibited",
    "muted",
    "acknowledged",
    "rate_limited",
    "overtaken",
    "backfill",
    "flapping",
]
REASONS: Final[tuple[Reason, ...]] = get_args(Reason)
TOLD: Final[frozenset[Reason]] = frozenset({"sent", "grouped", "backfill"})
"""Reasons with which a fact is in a message."""


class Decision(NamedTuple):
    """What became of one revision of a fact in one group."""

    alert_id: str
    revision: int
    at_ms: int
    reason: Reason
    by: str = ""
    """What decided: a silence's id, the alert that inhibits, the route that is mute, who acknowledged."""
    sequence: int | None = None
    """The message of the group that it is in."""


WORDS: Final[dict[Reason, str]] = {
    "sent": "told, as the first of its message",
    "grouped": "told, together with others in one message",
    "silenced": "not told: a silence covers it",
    "inhibited": "not told: what is told already is its cause",
    "muted": "not told yet: its route is mute at this time",
    "acknowledged": "not told again: somebody has acknowledged it",
    "rate_limited": "not told yet: the channel has had as many messages as it may",
    "overtaken": "not told: it was over, or had changed, before anybody was told",
    "backfill": "told in a digest: it was long past when it came",
    "flapping": "not told: it comes and goes, which was told",
}
