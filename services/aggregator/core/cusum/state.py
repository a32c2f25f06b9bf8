"""What is remembered of the rates of a tenant or segment value between two windows.

`RateRow` is read and written with every window; `HourRow`, which is large, only when an hour has turned.
"""

from typing import Final, NamedTuple

from msgspec import Struct, field

from services.aggregator.core.cusum.again import Again
from services.aggregator.core.cusum.change_point import EMPTY, Posterior
from services.aggregator.core.cusum.chart import ZERO, Chart
from services.aggregator.core.cusum.profile import Reference, Usual
from services.aggregator.core.cusum.two_levels import RunUp


class RowKey(NamedTuple):
    """A tenant, and a segment value of it or (None, None) for the whole."""

    tenant: str
    segment_name: str | None
    segment_value: str | None


class Side(Struct, frozen=True, array_like=True):
    """One direction: the chart against the moving baseline, and against the frozen reference.

    `alarmed_ms`: the window in which one of them reached its limit, until both are back at zero; 0: none did. `back`:
    windows since then in which both stood at zero, with their counts. `again`: what is watched while it is alarmed.
    `changed`: when the rate left the moving baseline; as it was when it alarmed, until that is over. `ending`: whether
    it came back since (`cusum.back`). `doublings`: the power of two that its excess was told to be below
    (`cusum.growth`). `run_up`: by what level a chart against the moving baseline climbs, before it alarms.
    """

    baseline: Chart = ZERO
    reference: Chart = ZERO
    alarmed_ms: int = 0
    zeros: int = 0
    back: Chart = ZERO
    again: Again | None = None
    changed: Posterior = EMPTY
    ending: Chart = ZERO
    doublings: int = 0
    run_up: RunUp | None = None


QUIET: Final = Side()


class RateState(Struct, frozen=True, array_like=True):
    """One rate: counts of the hour that is going on, apart those of windows that alarm; what is usual in it; charts.

    `phi` is the dispersion; `reference` None: there is none yet. `learning`: it began anew by a governed marker, and
    its charts wait until what is usual since then is known. `firsts`: the charts count first attempts, of which
    `usual`, `reference` and `phi` are then; `first_…` are the counts of first attempts beside those of all (ADR 0042).
    """

    usual: Usual
    reference: Usual | None = None
    phi: float = 1.0
    k: int = 0
    n: int = 0
    left_out_k: int = 0
    left_out_n: int = 0
    up: Side = QUIET
    down: Side = QUIET
    learning: bool = False
    firsts: bool = False
    first_k: int = 0
    first_n: int = 0
    first_left_out_k: int = 0
    first_left_out_n: int = 0


class RateRow(Struct, array_like=True):
    """The rates by metric in the hour `hour` (since 1970). `last_ms`: the newest window that was looked at."""

    hour: int = -1
    last_ms: int = -1
    rates: dict[str, RateState] = field(default_factory=dict)


class HourRow(Struct, array_like=True):
    """By metric: hours of the last 28 days (`profile.packed`), the frozen reference, and from which hour on it counts.

    Those of first attempts are series of their own (`kinds.series_of`). `first` is the first hour of all, or the hour
    from which on a person, or a governed marker, had it begin anew (`rebased`). `before`: what was usual before the
    last governed marker, `by` whose word that was.
    """

    hours: dict[str, bytes] = field(default_factory=dict)
    references: dict[str, Reference] = field(default_factory=dict)
    first: dict[str, int] = field(default_factory=dict)
    rebased: dict[str, int] = field(default_factory=dict)
    before: dict[str, Reference] = field(default_factory=dict)
