"""What fires is not closed: the one rule of when a case whose incident, or access, still goes on may end.

Of a case that fires itself somebody has said first what it is (a disposition that stands), and of a grave one two
people agree: a checker approved it, or a checker who did not find it closes the case. While a part of it fires nobody
does.
"""

from datetime import datetime
from typing import Final, Literal, NamedTuple

from proofwatch.access.roles import Act
from proofwatch.access.session import Session
from proofwatch.local_time import minute
from services.triage.core.life import UNDECIDED, Stage

GRAVE: Final = "high"


class Firing(NamedTuple):
    """Since when a case fires itself, and since when the first of its parts that do; None: it does not."""

    itself: datetime | None = None
    part: datetime | None = None

    @property
    def since(self) -> datetime | None:
        """Return since when it, or one of its parts, fires."""
        return min((each for each in self if each), default=None)


class Agreed(NamedTuple):
    """The last finding since a case was opened, or opened anew: what, and by whom; two of them where a checker agreed.

    `by`: ids of people.
    """

    verdict: Literal["cleared", "threat"]
    by: frozenset[str]


class Hindrance(NamedTuple):
    """Why a case that fires is not closed, in a word and in a sentence that says what would be right."""

    why: Literal["still_fires", "second_person"]
    sentence: str


QUIET: Final = Firing()


def hindrance(firing: Firing, stage: Stage, agreed: Agreed | None, severity: str, closing: Session) -> Hindrance | None:
    """Return why somebody does not close a case as long as it fires; None: it does not fire, or may be closed."""
    if firing.part:
        said = (
            f"one of its parts still fires, since {minute(firing.part)}: close it once that ended, or take it out first"
        )
        return Hindrance("still_fires", said)
    if not firing.itself:
        return None
    since = f"it still fires, since {minute(firing.itself)}"
    if not stands(stage, agreed):
        said = f"{since}: say first what it is (`clear` or `threat`), or let it rest (`snooze`) until it has ended"
        return Hindrance("still_fires", said)
    assert agreed is not None, "it stands"
    if severity == GRAVE and len(agreed.by) < 2 and not _is_second(closing, agreed):
        said = f"{since}, it is grave, and one person alone said what it is: a checker who did not say it closes it"
        return Hindrance("second_person", said)
    return None


def stands(stage: Stage, agreed: Agreed | None) -> bool:
    """Return whether what was last found is what the case is: not where it is undecided, or was referred since."""
    if agreed is None or stage in UNDECIDED:
        return False
    return (stage == "cleared") == (agreed.verdict == "cleared")


def _is_second(closing: Session, agreed: Agreed) -> bool:
    return closing.may(Act.APPROVE_DISPOSITION) and closing.person_id not in agreed.by
