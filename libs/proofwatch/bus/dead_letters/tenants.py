"""Whose dead letters they are: one tenant's, which halt nobody else, or everybody's, which nobody can go on from.

Pure. Each tenant is held to the cap by its own dead letters; beyond it the tenant is *over*, which is told, and changes
nothing for the others: what is good of it is decided, what is bad lies on the dead-letter topic. Only when most of what
the others send is refused too, the reader is to blame, and the service halts.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Final, NamedTuple

from proofwatch.bus.dead_letters.cap import LEAST, WINDOW, Breach, Cap

UNKNOWN: Final = "unknown"
"""Stands for whoever sends records whose key names no tenant."""
SEVERAL: Final = 100
"""So many dead letters of others than the worst tenant are needed before the reader is to blame."""
_HALF: Final = 0.5
_LONGEST: Final = 63


class Refused(NamedTuple):
    """A dead letter: which record of the partition it was, counted from the first that was seen, why, and whose."""

    ordinal: int
    reason: str
    tenant: str


class Account(NamedTuple):
    """What the records of one partition came to: how many were seen, and the dead letters of the last `WINDOW`."""

    seen: int = 0
    dead: tuple[Refused, ...] = ()


def tenant_of(key: bytes | None) -> str:
    """Return the tenant that a record's key names (`tenant` or `tenant/…`), or `UNKNOWN`."""
    head = (key or b"").partition(b"/")[0]
    name = head.decode("ascii", "replace")
    fits = 0 < len(name) <= _LONGEST and all(c.isascii() and (c.islower() or c.isdigit() or c == "-") for c in name)
    return name if fits else UNKNOWN


def add(before: Account, records: int, refused: Sequence[tuple[int, str, str]]) -> Account:
    """Return the account after `records` more of which `refused` (index in the batch, reason, tenant) are dead."""
    seen, dead = before.seen + records, before.dead
    if refused:
        dead += tuple(Refused(before.seen + index, reason, tenant) for index, reason, tenant in refused)
    if dead and dead[0].ordinal < seen - WINDOW:
        dead = tuple(each for each in dead if each.ordinal >= seen - WINDOW)
    return Account(seen, dead)


def over(account: Account, cap: Cap) -> dict[str, int]:
    """Return the tenants whose own dead letters exceed the cap, with how many they have."""
    found, of, run = {}, min(account.seen, WINDOW), _run(account)
    for tenant, count in Counter(each.tenant for each in account.dead).items():
        too_many = cap.rate and account.seen >= LEAST and count > cap.rate * of
        if too_many or (cap.run and run >= cap.run and tenant == account.dead[-1].tenant):
            found[tenant] = count
    return found


def halts(account: Account, cap: Cap) -> Breach | None:
    """Return the breach when most of what comes from others than the worst tenant is refused as well."""
    run = _in_a_row(account)
    if cap.run and len(run) >= cap.run and _others(run) >= SEVERAL:
        return Breach("run", account.seen - 1, len(run), len(run), _leading(run))
    of, others = min(account.seen, WINDOW), _others(account.dead)
    worst = len(account.dead) - others
    if cap.rate and account.seen >= LEAST and others >= SEVERAL and others > _HALF * (of - worst):
        return Breach("rate", account.seen - 1, len(account.dead), of, _leading(account.dead))
    return None


def rebuild_account(position: int, refused: Sequence[tuple[int, str, str]]) -> Account:
    """Return the account at `position`, rebuilt from dead letters (offset, reason, tenant) that are left below it.

    Offsets stand for records, as in `cap.rebuild_tally`.
    """
    seen = min(position, WINDOW)
    known = sorted({each[0]: each for each in refused if position - seen <= each[0] < position}.values())
    return Account(seen, tuple(Refused(seen - (position - offset), *rest) for offset, *rest in known))


def _run(account: Account) -> int:
    """Return how many dead letters of one tenant are the last records in a row."""
    count = 0
    for each in reversed(_in_a_row(account)):
        if each.tenant != account.dead[-1].tenant:
            break
        count += 1
    return count


def _in_a_row(account: Account) -> Sequence[Refused]:
    expected, count = account.seen - 1, 0
    for each in reversed(account.dead):
        if each.ordinal != expected:
            break
        expected, count = expected - 1, count + 1
    return account.dead[len(account.dead) - count :]


def _others(dead: Sequence[Refused]) -> int:
    counts = Counter(each.tenant for each in dead)
    return len(dead) - max(counts.values(), default=0)


def _leading(dead: Sequence[Refused]) -> str:
    return Counter(each.reason for each in dead).most_common(1)[0][0]
