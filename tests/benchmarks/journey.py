"""The whole journey: at which rate all eight stages still follow, and what little traffic and catching up cost."""

import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final

from tests.benchmarks.context import Context, Result
from tests.benchmarks.journey_counts import PublishedWindows, Windows, ledger_rows
from tests.benchmarks.journey_phases import LIMIT_S, away, hold, idle
from tests.benchmarks.journey_reader import STAGES
from tests.benchmarks.journey_system import System, system
from tests.benchmarks.journey_traffic import TENANTS, tenants

RATES: Final = (20, 100, 1_000, 5_000, 10_000, 15_000)
_QUICK_RATES: Final = (20, 500)
TARGET_RATE: Final = 12_000
IN_WINDOW_S: Final = 2.0
"""From when an input is due to when it is counted in its minute, p99."""
WAL_BYTES, TALLIES, CAUGHT_UP_S, IDLE_SHARE, IDLE_TALLIES = 4_096, 1.0, 15.0, 0.01, 2.0
_LITTLE: Final = 20
_AWAY_RATE: Final = 1_000
_WARM_RATE: Final = 500
_SLICE_S: Final = 5.0


def run(context: Context) -> Result:
    """Hold every rate, take the database away, wait until the last window is closed, and look at what idling costs."""
    rates = context.rates or (_QUICK_RATES if context.quick else RATES)
    seconds = context.seconds or context.pick(180, 20)
    warm_s, away_s, idle_s = context.pick(20, 5), context.pick(60, 15), context.pick(30, 10)
    grace_s = context.pick(30, 5)
    away_rate = min(_AWAY_RATE, max(rates))
    broker_warm_s = context.pick(60, 5)
    planned_s = broker_warm_s + len(rates) * (warm_s + seconds) + 2 * away_s + 60 + grace_s + idle_s
    load_before = os.getloadavg()[0]
    with _slices(context, planned_s) as say, system(context.world, {"PROOFWATCH_GRACE_SECONDS": str(grace_s)}) as run_:
        say("starting eight stages")
        run_.start()
        hold(run_, 0, min(_WARM_RATE, max(rates)), 0, broker_warm_s, say)
        rows, left_out = _rates(run_, rates, warm_s, seconds, say)
        phase = len(rows) + 1
        caught_up = all(row["drained_s"] is not None for row in rows)
        outage = away(run_, phase, away_rate, away_s, say) if caught_up else None
        phases = [*rows, outage] if outage else rows
        _count(run_, phases, grace_s, say)
        idling = idle(run_, idle_s, say) if caught_up else None
    within = [row["rate"] for row in rows if row["within"] and row["counted"]]
    return {
        "seconds": seconds,
        "broker_warm_up_seconds": broker_warm_s,
        "warm_up_seconds": warm_s,
        "grace_seconds": grace_s,
        "tenants": TENANTS,
        "limit_s": LIMIT_S,
        "cores": os.cpu_count(),
        "load_before": round(load_before, 2),
        "figure": max(within, default=None),
        "rates": rows,
        "left_out": left_out,
        "outage": outage,
        "idle": idling,
        "targets": targets(rows, outage, idling),
    }


def targets(rows: Sequence[Result], outage: Result | None, idling: Result | None) -> list[Result]:
    """Return what is promised, what was measured, None if it was not, and whether it was met."""
    little = [row for row in rows if row["rate"] == _LITTLE and "wal_bytes" in row]
    shares = {name: share for name, share in (idling or {"shares": {}})["shares"].items() if name in STAGES}
    within = max((row["rate"] for row in rows if row["within"] and row["counted"]), default=0)
    found = (
        ("rate", TARGET_RATE, within if rows else None, within >= TARGET_RATE),
        ("in_window_s", IN_WINDOW_S, _in_window(rows), None),
        ("wal_bytes", WAL_BYTES, little[0]["wal_bytes"] if little else None, None),
        ("tallies", TALLIES, little[0]["tallies"] if little else None, None),
        ("caught_up_s", CAUGHT_UP_S, outage["caught_up_s"] if outage else None, None),
        ("idle_share", IDLE_SHARE, max(shares.values()) if shares else None, None),
        ("idle_tallies", IDLE_TALLIES, idling["tallies_per_s"] if idling else None, None),
    )
    return [
        {"what": what, "limit": limit, "measured": value, "met": _met(value, limit) if met is None else met}
        for what, limit, value, met in found
    ]


def _in_window(rows: Sequence[Result]) -> float | None:
    """Return the p99, over looks, of how long ago the oldest input became due that windows has not counted.

    So no input waited for longer in 99 % of the time; at the highest rate that everybody followed, or else the lowest.
    """
    followed = [row for row in rows if row["within"]] or list(rows[:1])
    p99: float | None = followed[-1]["lag_s"]["windows"].get("p99") if followed else None
    return p99


def _met(value: float | None, limit: float) -> bool:
    return value is not None and value <= limit


def _rates(
    run_: System, rates: Sequence[int], warm_s: int, seconds: int, say: Callable[[str], None]
) -> tuple[list[Result], list[int]]:
    """Hold the rates one after the other; those above one that was given up are left out."""
    rows: list[Result] = []
    for phase, rate in enumerate(rates, 1):
        rows.append(hold(run_, phase, rate, warm_s, seconds, say))
        if rows[-1]["drained_s"] is None or rows[-1]["gave_up"]:
            return rows, list(rates[phase:])
        run_.trim()
    return rows, []


def _count(run_: System, phases: Sequence[dict[str, Any]], grace_s: int, say: Callable[[str], None]) -> None:
    """Wait until the windows of all phases are closed, and add to each what was counted of it in the end."""
    names = {phase["phase"]: tenants(phase["phase"]) for phase in phases}
    wanted = {phase["phase"]: phase["sent"] for phase in phases}
    published, until = PublishedWindows(run_.world.bootstrap, grace_s), time.monotonic() + 60 + grace_s + 30
    windows: dict[str, Windows] = {}
    while time.monotonic() < until:
        windows = published.by_tenant()
        if all(_in_windows(windows, names[phase]) >= sent for phase, sent in wanted.items()):
            break
        run_.check()
        say("waiting for the last window to close")
        time.sleep(1.0)
    published.close()
    rows = ledger_rows(run_.dsn, [name for each in names.values() for name in each])
    for phase in phases:
        mine = [windows[name] for name in names[phase["phase"]] if name in windows]
        phase["ledger_rows"] = sum(rows.get(name, 0) for name in names[phase["phase"]])
        phase["in_windows"] = _in_windows(windows, names[phase["phase"]])
        phase["window_late_s"] = max((each.late_s for each in mine), default=None)
        counts = {phase["sent"], phase["verdicts"], phase["ledger_rows"], phase["in_windows"]}
        phase["counted"] = len(counts) == 1 and not phase["repeated"]


def _in_windows(windows: Mapping[str, Windows], names: Iterable[str]) -> int:
    return sum(windows[name].transactions for name in names if name in windows)


@contextmanager
def _slices(context: Context, planned_s: float) -> Iterator[Callable[[str], None]]:
    """Give a function to say what is going on, as often as one likes; the bar moves with the time."""
    began, done = time.monotonic(), 0
    total = int(planned_s / _SLICE_S) + 1
    with context.steps("journey", total) as step:

        def say(what: str) -> None:
            nonlocal done
            while done < min(total, (time.monotonic() - began) / _SLICE_S):
                done += 1
                step(what)

        yield say
