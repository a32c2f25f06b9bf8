"""Whose charts are needed for the windows of a step, and for what fires."""

from collections.abc import Iterable, Mapping, Sequence

from services.aggregator.core import governed_markers
from services.aggregator.core.anomaly_state import Anomalies
from services.aggregator.core.closing import WindowRevision
from services.aggregator.core.cusum.rebase import Rebase, due
from services.aggregator.core.cusum.state import RateRow, RowKey
from services.aggregator.core.figures import knows_first
from services.aggregator.core.governed_markers import NOBODY, Governed, GovernedMarker
from services.aggregator.core.lengths import FIVE_MINUTES_S
from services.aggregator.core.series import CUSUM
from services.aggregator.core.times import HOUR_MS


def is_looked_at(revised: WindowRevision) -> bool:
    """Return whether a window moves charts: of five minutes, closing, and not too late to act upon."""
    return revised.key.length_s == FIVE_MINUTES_S and revised.due_ms is not None


def row_of(revised: WindowRevision) -> RowKey:
    """Return whose charts a window moves."""
    return RowKey(revised.key.tenant, revised.window.name, revised.window.value)


def firing_rows(anomalies: Anomalies) -> set[RowKey]:
    """Return the rows that what fires is judged by."""
    return {RowKey(*key[:3]) for key, each in anomalies.items() if key.rule == CUSUM and each.state == "firing"}


def turning(
    revised: Iterable[WindowRevision],
    rows: Mapping[RowKey, RateRow],
    rebases: Sequence[Rebase] = (),
    governed: Governed = NOBODY,
) -> set[RowKey]:
    """Return the rows whose hour turns, or begins anew, with these windows, so that their hours are needed.

    Also those whose charts may have to count other attempts than before (`core.cusum.kinds`).
    """
    windows = [(row_of(each), each) for each in revised]
    unknown = {key.tenant for key, each in windows if not tells_first_attempts(each)}
    return {
        key
        for key, each in windows
        if rows[key].hour != each.key.start_ms // HOUR_MS
        or due(rebases, key, rows[key].last_ms, each.key.start_ms)
        or due_markers(governed, key, rows[key].last_ms, each.key.start_ms)
        or _may_change(rows[key], rows.get(RowKey(key.tenant, None, None)), unknown=key.tenant in unknown)
    }


def due_markers(governed: Governed, key: RowKey, last_ms: int, start_ms: int) -> list[GovernedMarker]:
    """Return the governed markers that take effect between two windows of a row, in order."""
    markers = governed.get(key.tenant, ())
    return [each for each in governed_markers.due(markers, last_ms, start_ms) if each.touches(*key[1:])]


def tells_first_attempts(revised: WindowRevision) -> bool:
    """Return whether a window's counters tell first attempts from further ones."""
    return all(knows_first(part.counts) for part in revised.window.policies.values())


def _may_change(row: RateRow, tenant: RateRow | None, *, unknown: bool) -> bool:
    if unknown:
        return any(state.firsts for state in row.rates.values())
    return tenant is not None and any(
        state.firsts != tenant.rates[metric].firsts for metric, state in row.rates.items() if metric in tenant.rates
    )
