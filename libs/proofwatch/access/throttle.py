"""How often a name may be tried: five failures are free, then every further one costs twice the wait of the last.

It is counted by what was typed as name, whether there is such an account or not, so that waiting tells nobody which
names exist. An attempt counts before it is judged: a thousand at once are a thousand.
"""

import hashlib
from datetime import datetime, timedelta
from typing import Final, NamedTuple

FREE: Final = 5
LIMIT: Final = 100
"""So many in a row, and the account must be enrolled anew (NIST SP 800-63B-4, 3.2.2)."""
FORGOTTEN: Final = timedelta(days=30)
_FIRST_WAIT: Final = timedelta(seconds=30)
_LONGEST_WAIT: Final = timedelta(minutes=15)


class Attempts(NamedTuple):
    """What is known of a name: failures in a row, when the last was, and how many were not even judged since."""

    failures: int = 0
    last_at: datetime | None = None
    unheard: int = 0


class Verdict(NamedTuple):
    """Whether an attempt is judged, and what is known afterwards. `wait`: None: it is; else after so long.

    `for_ever`: no wait helps, somebody must enrol the account anew.
    """

    after: Attempts
    wait: timedelta | None = None
    for_ever: bool = False


def key_of(name: str) -> bytes:
    """Return under what attempts of a name are counted; what people type there may be a password."""
    return hashlib.sha256(name.encode("utf-8", "surrogatepass")).digest()


def wait_after(failures: int) -> timedelta:
    """Return how long nothing is judged after so many failures in a row."""
    if failures < FREE:
        return timedelta(0)
    doubled: int = 2 ** min(failures - FREE, 10)
    return min(_LONGEST_WAIT, _FIRST_WAIT * doubled)


def admit(before: Attempts, now: datetime) -> Verdict:
    """Return whether an attempt is judged now. If it is, it counts as failed until it has succeeded."""
    unheard = before._replace(unheard=before.unheard + 1)
    if before.failures >= LIMIT:
        return Verdict(unheard, _LONGEST_WAIT, for_ever=True)
    if before.last_at is not None:
        left = before.last_at + wait_after(before.failures) - now
        if left > timedelta(0) and before.failures >= FREE:
            return Verdict(unheard, left)
    return Verdict(Attempts(before.failures + 1, now, before.unheard))
