"""Closed windows as the API asks them, page by page."""

from typing import Annotated, Final

import msgspec

from proofwatch.exits.table import FIGURES
from proofwatch.instants import instant_of, ms_of
from proofwatch.web.cursors import read, written
from proofwatch.web.problems import Problem
from proofwatch.web.sessions import Caller
from services.aggregator.adapters.database_source import windows_page
from services.aggregator.api.asking import Source, instant, refusals
from services.aggregator.api.figures import Wanted
from services.aggregator.api.window_bodies import Window, WindowRate, Windows
from services.aggregator.core.figures import proxies
from services.aggregator.core.found import Query
from services.aggregator.core.length_names import LENGTHS
from services.aggregator.core.segments import WHOLE
from services.aggregator.core.span import Counted, CountedWindow, Span

_PLACE: Final = msgspec.json.Decoder(Annotated[int, msgspec.Meta(ge=0, le=2**62)])


class ClosedWindows:
    """What a person or a machine may see of windows. Every call raises `Problem`."""

    def __init__(self, source: Source) -> None:
        self._source = source

    async def page(self, caller: Caller, wanted: Wanted, length: str, starts: int, cursor: str = "") -> Windows:
        """Return the windows that lie in a span whole, of so many starts, once it is on record who asks."""
        after = read(cursor, _PLACE) if cursor else None
        name, _, value = wanted.segment.partition("=")
        with refusals(caller):
            now = self._source.tenants.of(wanted.tenant)
            since = ms_of(instant("since", wanted.since, now.zone))
            until = ms_of(instant("until", wanted.until or instant_of(self._source.clock.now_ms()), now.zone))
            if since >= until:
                raise Problem(422, "malformed", "since: must lie before until")
            await self._source.admitted(FIGURES["windows"], caller, wanted.tenant, now)
            query = Query(
                wanted.tenant, Span(since, until), (name,) if name else (), value or None, LENGTHS[length], now.zone
            )
            first = since if after is None else max(since, after)
            async with self._source.reading() as connection:
                found = await windows_page(connection, query, first, until, starts + 1)
        begins = sorted({each.at.start_ms for each in found})
        more = begins[starts] if len(begins) > starts else None
        asked = [
            each
            for each in found
            if (each.segment != WHOLE) == bool(name) and (more is None or each.at.start_ms < more)
        ]
        shown = [shown_window(each) for each in asked]
        kept = [each for each in shown if each.segment_name is None or each.transactions >= self._source.small_cell]
        return Windows(
            tenant=wanted.tenant,
            length=length,
            zone=now.zone or "UTC",
            small_cell=self._source.small_cell,
            small_values=len(shown) - len(kept),
            windows=kept,
            next=None if more is None else written(more),
        )


def shown_window(window: CountedWindow) -> Window:
    """Return a window as a body."""
    total = Counted()
    for part in window.parts:
        total.add(part)
    return Window(
        start=instant_of(window.at.start_ms),
        end=instant_of(window.at.end_ms),
        segment_name=window.segment[0],
        segment_value=window.segment[1],
        revision=window.revision,
        backfill=window.backfill,
        transactions=total.transactions,
        rates=[
            WindowRate(metric=f.metric, k=f.k, n=f.n, value=f.value, low=f.low, high=f.high)
            for f in proxies(total.counts)
        ],
        policies=list(window.policies),
    )
