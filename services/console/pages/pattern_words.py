"""Attack patterns in words, for pages."""

from collections.abc import Mapping
from typing import Final

from services.console.pages.words import Form
from services.triage.api.pattern_bodies import Matched, PatternAct, PatternDeed, PatternState, Precision

STATES: Final[Mapping[PatternState, str]] = {
    "draft": "a draft",
    "proposed": "proposed: waits for an approver",
    "shadow": "in shadow: matches are counted and change nothing",
    "live_proposed": "in shadow; to go live is proposed and waits for an approver",
    "live": "live: each match is a suspicion",
    "withdrawn": "withdrawn",
}
SHORT: Final[Mapping[PatternState, str]] = {
    "draft": "draft", "proposed": "proposed", "shadow": "shadow", "live_proposed": "live proposed", "live": "live",
    "withdrawn": "withdrawn",
}  # fmt: skip
TOLD: Final[Mapping[str, str]] = {
    "draft": "The draft is kept. Propose it when it says what it should.",
    "propose": "It is proposed: an approver is asked, who is somebody else.",
    "approve": "That is agreed. It takes effect a minute after its record has reached the log.",
    "reject": "It was sent back.",
    "live": "To go live is proposed: an approver is asked, who is somebody else.",
    "withdraw": "It is withdrawn.",
    "preview": "It is looked at what would have matched.",
    "hunt": "Earlier matches are being looked for: what is found is opened for review.",
}
FORMS: Final[Mapping[PatternDeed, Form]] = {
    "approve": Form("Agree", "Agree: why", main=True),
    "reject": Form("Send it back", "Send it back: why"),
    "propose": Form("Propose it", "Propose it: why", main=True),
    "live": Form("Propose it for live", "Propose that it goes live: why", main=True),
    "withdraw": Form("Withdraw it", "Withdraw it: why"),
}
"""In the order of the page."""
KEYS: Final[Mapping[PatternDeed, str]] = {"approve": "a", "reject": "b", "propose": "p", "live": "v", "withdraw": "w"}
_ACTS: Final[Mapping[PatternDeed, str]] = {
    "draft": "wrote the draft", "propose": "proposed it", "approve": "agreed", "reject": "sent it back",
    "live": "proposed that it goes live", "withdraw": "withdrew it",
}  # fmt: skip


def precision(found: Precision) -> str:
    """Return how precise matches were, with the interval; or why nobody can say."""
    if not found.judged:
        return "nobody has judged a case of it yet" if found.cases else "no case has a transaction of it"
    assert found.low is not None
    assert found.high is not None
    share, low, high = (f"{each * 100:.0f} %" for each in (found.threats / found.judged, found.low, found.high))
    return f"{found.threats} of {found.judged} judged cases were threats: {share}, 95 % interval {low} to {high}"


def mode(matched: Matched) -> str:
    """Return how it was compared."""
    return "live" if matched.mode == "live" else "in shadow"


def act(acted: PatternAct) -> str:
    """Return what somebody did, and why."""
    why = f": {acted.reason}" if acted.reason else ""
    return f"{acted.name or acted.person_id} {_ACTS[acted.deed]}{why}"
