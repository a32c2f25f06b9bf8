"""What one channel has been told of the facts of one group: the state that is kept, and nothing of who they concern."""

from typing import Final

import msgspec

from services.notifier.core.decisions import Reason
from services.notifier.core.facts import Fact

FLAPS: Final = 3
"""How many times within `FLAPS_MS` a thing ends and comes back until people are told, once, that it flaps."""
FLAPS_MS: Final = 3_600_000
_STABLE_MS: Final = FLAPS_MS // 2
REMEMBERED_MS: Final = 2 * FLAPS_MS
"""How long what is over, or was told once for all, is known: older revisions and repeats of it are no news."""


class Told(msgspec.Struct, frozen=True):
    """What of a member the channel was told last."""

    revision: int
    over: bool
    rank: int
    """How grave it was; see `routing.RANK`."""
    sequence: int


class Member(msgspec.Struct, frozen=True):
    """One fact by its newest revision, and how people know of it."""

    fact: Fact
    came_ms: int
    """When this revision came."""
    told: Told | None = None
    reason: Reason | None = None
    """What was decided last of this revision."""
    began_ms: tuple[int, ...] = ()
    """When it fired anew lately, for what flaps."""
    flapping: bool = False
    """Whether people were told so, and it has not been as it is for long enough since."""
    since_ms: int = 0
    """Since when it fires, or is over, without a change between the two."""

    @property
    def is_known(self) -> bool:
        """Whether people know that it fires."""
        return self.told is not None and not self.told.over

    @property
    def is_open(self) -> bool:
        """Whether nothing final was decided of this revision: it was not told, and is not overtaken."""
        is_told = self.told is not None and self.told.revision >= self.fact.source_revision
        return not is_told and self.reason != "overtaken"

    def unstable_until_ms(self, at_ms: int) -> int | None:
        """Return until when what flaps is not believed, or None: it has been as it is for long enough."""
        until_ms = self.since_ms + _STABLE_MS
        return until_ms if at_ms < until_ms else None

    def flaps(self, at_ms: int) -> bool:
        """Return whether it comes and goes: it has come back often lately, and just so."""
        often = len([each for each in self.began_ms if each > at_ms - FLAPS_MS]) >= FLAPS
        return often and self.unstable_until_ms(at_ms) is not None


class Acknowledged(msgspec.Struct, frozen=True):
    """Who took care of what was told up to `sequence`."""

    by: str
    sequence: int
    at_ms: int


class Group(msgspec.Struct, frozen=True):
    """One conversation with one channel."""

    members: tuple[Member, ...] = ()
    sequence: int = 0
    """How many messages it has had."""
    told_ms: int | None = None
    """When the last one was made."""
    due_ms: int | None = None
    """When it is looked at again; None: when something comes."""
    unheard_ms: int | None = None
    """Since when people know of what fires without that anybody acknowledged; None: nothing such."""
    escalated: int = 0
    """The sequence up to which others were told because nobody acknowledged; 0: none."""

    def open_ms(self, interval_ms: int) -> int:
        """Return from when on it may have its next message, by its `group_interval`."""
        return 0 if self.told_ms is None else self.told_ms + interval_ms
