"""What a query asks for, and what a source gives: the same from the folder of a run and from the database."""

from collections.abc import Sequence
from typing import NamedTuple

from proofwatch.instants import instant_of
from proofwatch.local_time import minute
from services.aggregator.core.length_names import in_words
from services.aggregator.core.lengths import LENGTHS_S
from services.aggregator.core.segments import WHOLE, Segment
from services.aggregator.core.span import CountedWindow, LabelledWindow, Span, Stretch
from services.aggregator.core.times import DAY_MS, DAY_S


class NothingFound(Exception):
    """There is nothing to show; the message says what there is instead."""


class Asked(NamedTuple):
    """A segment that is asked for, and one value of it; None: every value."""

    name: str
    value: str | None


class Query(NamedTuple):
    """A tenant, a span, the segments wanted beside the whole tenant (`value` None: all values).

    `length_s` None: the windows that cover the span; else all windows of this length. `zone`: in whose time it is
    written what people read; None: in UTC.
    """

    tenant: str
    span: Span
    names: Sequence[str] = ()
    value: str | None = None
    length_s: int | None = None
    zone: str | None = None

    def wants(self, segment: Segment) -> bool:
        """Return whether windows of this segment value are asked for; those of the whole tenant always are."""
        name, value = segment
        return segment == WHOLE or (name in self.names and self.value in (None, value))

    def asked(self) -> str:
        """Return how the span was read."""
        since, until = self.span
        asked = f"since {told(since, self.zone)}" if since is not None else ""
        return f"{asked} until {told(until, self.zone)}".strip() if until is not None else asked


class Found(NamedTuple):
    """The windows, newest revisions only. `published_only`: small cells are missing from windows below a day."""

    counted: Sequence[CountedWindow]
    labelled: Sequence[LabelledWindow]
    published_only: bool = False

    def require(self, query: Query) -> None:
        """Raise `NothingFound` where a segment was asked for that has no windows."""
        if query.names and not any(each.segment != WHOLE for each in self.counted):
            what = query.names[0] if query.value is None else f"{query.names[0]}={query.value}"
            why = f"{query.tenant} has no windows of {what} in this span, or small ones only"
            raise NothingFound(f"{why}; its policy names its segments")

    def notes(self, query: Query) -> list[str]:
        """Return what was asked for, and what the figures were counted from, one sentence each."""
        zone, asked = query.zone, query.asked()
        whole = [each.at for each in self.counted if each.segment == WHOLE]
        if not whole:
            return []
        first, last = min(each.start_ms for each in whole), max(each.end_ms for each in whole)
        numbers = [(n, s) for s in reversed(LENGTHS_S) if (n := sum(each.length_s == s for each in whole))]
        windows = ", ".join(f"{n:,} × {in_words(s)}" for n, s in numbers)
        said = [f"asked for: {asked}"] if asked else []
        said.append(f"verdicts: closed windows from {told(first, zone)} to {told(last, zone)} ({windows})")
        if self.published_only and any(each.length_s < DAY_S for each in whole):
            said.append("segment values on parts of days: small windows of them are not in a run's windows.jsonl")
        days = sorted({each.at for each in self.labelled if each.segment == WHOLE and each.classes})
        if not days:
            said.append("labels: no whole day of the span has any")
        elif all(each.start_ms % DAY_MS == 0 and each.own_end_ms is None for each in days):
            said.append(f"labels: {len(days):,} whole UTC days, {_day(days[0])} to {_day(days[-1])}")
        else:
            span = f"from {told(days[0].start_ms, zone)} to {told(days[-1].end_ms, zone)}"
            said.append(f"labels: {len(days):,} whole days of the tenant's calendar, {span}")
        return said


def everybody_sees(_: str) -> bool:
    """Return that who asks may know of every tenant, as with the database's own rights."""
    return True


def no_such_tenant(tenant: str, where: str, tenants: Sequence[str]) -> NothingFound:
    """Return what to say of a tenant that has no windows; `tenants`: those that who asks may know of."""
    if not tenants:
        return NothingFound(f"{where} holds no windows yet")
    return NothingFound(f"{where} has no windows of a tenant {tenant!r}; there are: {', '.join(sorted(tenants))}")


def nothing_within(query: Query, first_ms: int, last_ms: int) -> NothingFound:
    """Return what to say when a tenant has windows, but none in the span."""
    asked = query.asked() or "at all"
    kept = f"; its windows reach from {told(first_ms, query.zone)} to {told(last_ms, query.zone)}"
    return NothingFound(f"{query.tenant} has no closed window that lies whole in what was asked for, {asked}{kept}")


def told(ms: int, zone: str | None) -> str:
    """Return a moment as people read it, in the tenant's time."""
    return minute(instant_of(ms), zone)


def shown(ms: int) -> str:
    """Return a moment as programs read it, and as it is typed."""
    return f"{instant_of(ms):%Y-%m-%dT%H:%M:%SZ}"


def _day(day: Stretch) -> str:
    return shown(day.start_ms)[:10]
