"""Which slice attacks that labels prove came from: by its share of the attacks against that of all transactions.

All attacks that labels name may be of one country, and nobody attacked from the rest: then a rate among attacks tells
nothing of the rest, and one operating system holds as many of them as the country does.
So it is compared with what share each slice has of all transactions of these days: the sender is the slice that holds
nearly all of the errors beyond the limit and is most unlike its share (log likelihood of the errors there). Where
another slice holds as many and is nearly as unlike it, an attribute of people is not the sender. Pure.
"""

from collections.abc import Iterable, Mapping, Sequence
from math import log, sqrt
from typing import Final, NamedTuple

from proofwatch.detection.findings import PROTECTED, WHOLE, FindingHistory, Panel, Slice, Tables, traffic_of
from proofwatch.detection.panel_counts import table_of
from proofwatch.detection.root_slice import SHARE, Counts, Root, single
from proofwatch.detection.runs import Placed

_APART: Final = 3.0
_ALIKE: Final = 0.05
_AS_PLAIN: Final = 0.8

Group = tuple[Panel, Sequence[FindingHistory]]


class Sender(NamedTuple):
    """A slice, and those that hold as many of the attacks and are nearly as unlike their share of transactions."""

    where: Slice
    confounded: tuple[Slice, ...]


class _Sent(NamedTuple):
    """Findings of a panel, the counts of attacks in it, and who sent them."""

    panel: Panel
    group: Sequence[FindingHistory]
    table: dict[Slice, Counts]
    sender: Sender


def placed_by_senders(groups: Iterable[Group], tables: Tables) -> list[Placed]:
    """Return the findings of attacks whose sender is known; of panels that overlap, the one with most errors knows."""
    found = [sent for panel, group in groups if (sent := _sent(panel, group, tables))]
    return [Placed(each, _root(sent, each, found)) for sent in found for each in sent.group]


def sender(table: Mapping[Slice, Counts], traffic: Mapping[Slice, tuple[int, int]]) -> Sender | None:
    """Return who sent the attacks of a tenant; `traffic`: with how many transactions each slice has. None: no slice."""
    whole, (_, of) = table.get(WHOLE), traffic.get(WHOLE, (0, 0))
    if whole is None or not whole.k or whole.excess <= 0 or not of:
        return None
    plain: dict[Slice, float] = {}
    for where, counts in table.items():
        share = min(1.0, traffic.get(where, (0, 0))[1] / of)
        if where == WHOLE or counts.excess < SHARE * whole.excess or not 0 < share < 1 - _ALIKE:
            continue
        k = min(counts.k, whole.k)
        if k - whole.k * share >= _APART * sqrt(whole.k * share * (1 - share)):
            plain[where] = _evidence(k, whole.k, share)
    if not plain:
        return None
    best = max(plain, key=lambda each: (plain[each], str(each)))
    as_good = [
        each
        for each in plain
        if plain[each] >= _AS_PLAIN * plain[best] and table[each].k >= (1 - _ALIKE) * table[best].k
    ]
    named = max(as_good, key=lambda each: (each[0] not in PROTECTED, plain[each], str(each)))
    return Sender(named, tuple(sorted((each for each in as_good if each != named), key=str)))


def _sent(panel: Panel, group: Sequence[FindingHistory], tables: Tables) -> _Sent | None:
    among = traffic_of(panel)
    if among is None:
        return None
    known = tables.get(panel, {})
    table = table_of(group, known.keys(), known, down=False)
    found = sender(table, tables.get(among, {}))
    return _Sent(panel, group, table, found) if found else None


def _root(sent: _Sent, finding: FindingHistory, others: Iterable[_Sent]) -> Root:
    """Return the root of a finding: its own slice where that is another value of the sender's attribute."""
    whole = sent.table[WHOLE]
    alike = [
        each
        for each in others
        if _overlap(each.panel, sent.panel)
        and each.sender.where in sent.table
        and sent.table[each.sender.where].excess >= SHARE * whole.excess
    ]
    best = max(alike, key=lambda each: (each.table[WHOLE].k, each.panel)).sender
    if finding.where[0] == best.where[0] and finding.where != best.where:
        return single(sent.table, finding.where)
    return single(sent.table, best.where)._replace(confounded=best.confounded)


def _overlap(one: Panel, other: Panel) -> bool:
    return one.start_ms < other.start_ms + other.length_s * 1000 and other.start_ms < one.start_ms + one.length_s * 1000


def _evidence(k: int, of: int, share: float) -> float:
    """Return the log likelihood ratio of k of so many errors in a slice to its share of the transactions."""
    rest = of - k
    return k * log(k / (of * share)) + (rest * log(rest / (of * (1 - share))) if rest else 0.0)
