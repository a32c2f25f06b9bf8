"""What people want looked back for in the topic of transactions, and what is found. Pure.

`traits`: what the members of a case share, and how much of the other traffic has it; `preview`: what a predicate would
have matched; `hunt`: what a pattern matched before is opened for review, at most so many.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence
from datetime import UTC, date, datetime
from typing import Final, Literal, NamedTuple

import msgspec

from proofwatch.events.types import Transaction
from proofwatch.governance.predicate import FIELDS
from services.triage.core.looking_back import Judged, Kept
from services.triage.core.patterns import Pattern, Text

Kind = Literal["traits", "preview", "hunt"]
State = Literal["waiting", "reading", "opening", "done", "failed"]
RUNNING: Final[Sequence[State]] = ("waiting", "reading", "opening")
MOST_DAYS: Final = 30
MOST_OPENED: Final = 5_000
ENOUGH: Final = 0.9
"""Share of members that have what is offered as a condition."""
RARE: Final = 0.5
"""What a larger share of other traffic has tells nothing of an attack."""
_RANGE: Final = 0.2
_MOST_OFFERED: Final = 3
_MOST_VALUES: Final = 2_000
_SAMPLED: Final = 50_000
"""Of so many other transactions numbers are kept, the first that are read."""


class Lookback(NamedTuple):
    """What somebody wants looked back for, and how far it is; `tenants`: None: of every tenant.

    `progress`: share of the topic that was read, 0 to 1; `form`: of a draft; `result`: `Found` as JSON.
    """

    lookback_id: str
    kind: Kind
    pattern_id: str | None
    revision: int | None
    severity: str | None
    predicate: str | None
    case_id: str | None
    tenants: Sequence[str] | None
    person_id: str
    asked_at: datetime
    since: datetime
    most: int
    form: str | None = None
    state: State = "waiting"
    progress: float = 0.0
    read: int = 0
    matched: int = 0
    opened: int = 0
    chosen: Sequence[str] | None = None
    result: str | None = None

    def sees(self, tenant: str) -> bool:
        """Return whether it is of a tenant."""
        return self.tenants is None or tenant in self.tenants

    @property
    def pattern(self) -> Pattern:
        """Return the pattern that is looked back with; of a draft that nobody kept it has no name."""
        text = Text("", self.severity or "low", self.predicate or "")  # type: ignore[arg-type]
        return Pattern(
            self.pattern_id or "", self.revision or 0, "draft", text, None, None, "", self.asked_at, None, self.asked_at
        )


class Shared(msgspec.Struct, frozen=True, omit_defaults=True):
    """What members share: a value, or numbers from `low` to `high`.

    `members` of `of_members` have it, and `others` of `of_others` transactions beside them; `offered`: as a condition.
    """

    field: str
    members: int
    of_members: int
    others: int
    of_others: int
    value: str | None = None
    low: float | None = None
    high: float | None = None
    offered: bool = False


class DayFound(msgspec.Struct, frozen=True):
    """What was matched of a day (UTC): attempts, and how many of them had been accepted."""

    day: date
    matched: int
    accepted: int


class Found(msgspec.Struct, frozen=True, omit_defaults=True):
    """What was found. `known`, `left_out`: of a hunt, what cases had already, and what is beyond its bound.

    `cases`, `judged`, `threats`: cases with a transaction that matched, those that people judged, and threats of them.
    `is_all` False: there was more to read than is read at once.
    """

    days: tuple[DayFound, ...] = ()
    people: int = 0
    accepted: int = 0
    cases: int = 0
    judged: int = 0
    threats: int = 0
    known: int = 0
    left_out: int = 0
    restricted: int = 0
    refused: int = 0
    is_all: bool = True
    shared: tuple[Shared, ...] = ()
    failed: str = ""


def days_found(kept: Kept, decisions: dict[Judged, str]) -> tuple[DayFound, ...]:
    """Return what was matched by day, the oldest first; `decisions`: what became of each attempt, where it is known."""
    matched, accepted = Counter[date](), Counter[date]()
    for event, _ in kept:
        at = event.occurred_at.astimezone(UTC)
        matched[at.date()] += 1
        accepted[at.date()] += decisions.get((event.tenant, event.transaction_id, at)) == "accept"
    return tuple(DayFound(day, matched[day], accepted[day]) for day in sorted(matched))


def people_of(kept: Kept) -> int:
    """Return of how many people transactions are."""
    return len({(event.tenant, event.subject_ref) for event, _ in kept})


def attempts_of(kept: Kept) -> set[Judged]:
    """Return the attempts that transactions are."""
    return {(event.tenant, event.transaction_id, event.occurred_at.astimezone(UTC)) for event, _ in kept}


class Sharing:
    """Takes transactions of a tenant, and tells what the members of a case share."""

    def __init__(self, tenant: str, members: Collection[str]) -> None:
        """`members`: ids of their transactions."""
        self._tenant, self._members = tenant, frozenset(members)
        self.read = self.of_members = self._of_others = 0
        self._texts = defaultdict[str, Counter[str]](Counter)
        self._of_all = defaultdict[str, Counter[str]](Counter)
        self._numbers = defaultdict[str, list[float]](list)
        self._sampled = defaultdict[str, list[float]](list)

    def take(self, event: Transaction, partition: int) -> None:
        """Count what a transaction has."""
        if event.tenant != self._tenant:
            return
        self.read += 1
        member = event.transaction_id in self._members
        self.of_members += member
        self._of_others += not member
        for name, field in FIELDS.items():
            found = field.read(event)
            if found is None or field.kind == "set":
                continue
            if field.kind == "text":
                counts = (self._texts if member else self._of_all)[name]
                if found in counts or len(counts) < _MOST_VALUES:
                    counts[found] += 1
            elif member:
                self._numbers[name].append(found)
            elif self._of_others <= _SAMPLED:
                self._sampled[name].append(found)

    def shared(self) -> tuple[Shared, ...]:
        """Return what is shared, the rarest among others first; some of it is offered as conditions."""
        if not self.of_members:
            return ()
        found = [*self._of_texts(), *self._of_numbers()]
        found.sort(key=lambda each: (_share(each), each.field))
        offered = set(_offered(found))
        return tuple(msgspec.structs.replace(each, offered=True) if each in offered else each for each in found)

    def _of_texts(self) -> Iterable[Shared]:
        for name, counts in self._texts.items():
            [(value, members)] = counts.most_common(1)
            if members >= ENOUGH * self.of_members:
                others = self._of_all[name][value]
                yield Shared(name, members, self.of_members, others, self._of_others, value=value)

    def _of_numbers(self) -> Iterable[Shared]:
        for name, values in self._numbers.items():
            if len(values) < ENOUGH * self.of_members:
                continue
            low, high = min(values), max(values)
            there = self._sampled[name]
            others = sum(low <= each <= high for each in there)
            sampled = min(self._of_others, _SAMPLED)
            yield Shared(name, len(values), self.of_members, others, sampled, low=low, high=high)


def _offered(found: Sequence[Shared]) -> Iterable[Shared]:
    """Yield what is offered as conditions: the rarest values; of numbers only where no value tells the attack."""
    said, count = set[str](), 0
    texts = [each for each in found if each.value is not None and _share(each) <= RARE]
    for each in texts:
        if each.value in said or count == _MOST_OFFERED:
            continue
        said.add(str(each.value))
        count += 1
        yield each
    if not texts:
        yield from [each for each in found if each.value is None and _share(each) <= _RANGE][:1]


def _share(of: Shared) -> float:
    return of.others / of.of_others if of.of_others else 0.0
