"""The journey's results as rows of text. Pure."""

from typing import Any, Final

from tests.benchmarks.context import Result
from tests.benchmarks.journey_reader import STAGES
from tests.benchmarks.rows import Rows, met

_BESIDE: Final = ("kafka", "postgresql", "redis", "generator", "reader")
_WORDS: Final = {
    "rate": ("every stage follows, and all is counted", "≥ {:,} a second"),
    "in_window_s": ("an input counted in its minute, p99, at the highest rate that is followed", "≤ {:g} s"),
    "wal_bytes": ("write-ahead log at 20 a second", "≤ {:,} bytes a transaction"),
    "tallies": ("tallies at 20 a second", "≤ {:g} a transaction"),
    "caught_up_s": ("caught up after the time without PostgreSQL", "≤ {:g} s"),
    "idle_share": ("busiest of the eight stages when idle", "≤ {:.0%} of a core"),
    "idle_tallies": ("tallies when idle", "≤ {:g} a second"),
}


def tables(result: Result) -> list[Rows]:
    """Return lags, costs, processor time, memory, the sub-measures and the targets."""
    rows = result["rates"]
    return [
        Rows("Seconds behind, at most (median)", ("a second", *STAGES, ""), [_lags(row) for row in rows]),
        Rows("Counted in the end", _COUNT_HEADS, [_counted(row) for row in _phases(result)]),
        Rows("What a transaction costs", _COST_HEADS, [_costs(row) for row in rows if "shares" in row]),
        Rows(
            "Processor µs per transaction (share of a core)",
            ("a second", *STAGES, *_BESIDE),
            [_processor(row) for row in rows if "shares" in row],
        ),
        Rows(
            "Resident MiB at the end",
            ("a second", *STAGES, "kafka", "redis"),
            [_rss(row) for row in rows if "shares" in row],
        ),
        *_outage(result),
        *_idle(result),
        Rows(
            "Targets of the journey", ("what", "target", "measured", ""), [_target(each) for each in result["targets"]]
        ),
    ]


_COUNT_HEADS: Final = ("a second", "sent", "verdicts", "twice", "ledger rows", "in windows", "last window late s", "")
_COST_HEADS: Final = (
    "a second",
    "transactions",
    "WAL bytes",
    "tallies",
    "drained after s",
    "generator p99 ms",
    "others",
)


def _phases(result: Result) -> list[dict[str, Any]]:
    return [*result["rates"], *([result["outage"]] if result["outage"] else [])]


def _lags(row: dict[str, Any]) -> tuple[str, ...]:
    word = "followed" if row["within"] else "given up" if row["gave_up"] else "behind"
    lags = (f"{each['max']:.1f} ({each['median']:.1f})" if each else "" for each in map(row["lag_s"].get, STAGES))
    return (f"{row['rate']:,}", *lags, word)


def _counted(row: dict[str, Any]) -> tuple[str, ...]:
    away = f", {row['away_s']} s without PostgreSQL" if "away_s" in row else ""
    late = "" if row["window_late_s"] is None else f"{row['window_late_s']:.1f}"
    counts = (f"{row[name]:,}" for name in ("sent", "verdicts", "repeated", "ledger_rows", "in_windows"))
    return (f"{row['rate']:,}{away}", *counts, late, "all" if row["counted"] else "not all")


def _costs(row: dict[str, Any]) -> tuple[str, ...]:
    wal = "" if row["wal_bytes"] is None else f"{row['wal_bytes']:,}"
    drained = "not in time" if row["drained_s"] is None else f"{row['drained_s']:.1f}"
    late = row["generator_late_ms"].get("0.99", 0.0)
    cells = (f"{row['transactions']:,}", wal, f"{row['tallies']:.3g}", drained, f"{late:.1f}")
    return (f"{row['rate']:,}", *cells, f"{row['others_share']:.0%}")


def _processor(row: dict[str, Any]) -> tuple[str, ...]:
    names = (*STAGES, *_BESIDE)
    cells = (f"{row['processor_us'].get(name, 0.0):,.0f} ({row['shares'].get(name, 0.0):.0%})" for name in names)
    return (f"{row['rate']:,}", *cells)


def _rss(row: dict[str, Any]) -> tuple[str, ...]:
    return (f"{row['rate']:,}", *(f"{row['rss_mib'].get(name, 0):,}" for name in (*STAGES, "kafka", "redis")))


def _outage(result: Result) -> list[Rows]:
    outage = result["outage"]
    if not outage:
        return []
    lags = tuple(f"{outage['lag_when_back_s'][stage]:.1f}" for stage in STAGES)
    caught_up = "not in time" if outage["caught_up_s"] is None else f"{outage['caught_up_s']:.1f}"
    row = (f"{outage['rate']:,}", *lags, caught_up, ", ".join(outage["ended"]) or "none")
    title = f"{outage['away_s']} s without PostgreSQL: seconds behind when it was back, and until all followed again"
    return [Rows(title, ("a second", *STAGES, "caught up after s", "ended by itself"), [row])]


def _idle(result: Result) -> list[Rows]:
    idle = result["idle"]
    if not idle:
        return []
    names = (*STAGES, "kafka", "postgresql", "redis")
    shares = tuple(f"{idle['shares'].get(name, 0.0):.1%}" for name in names)
    row = (f"{idle['seconds']:.0f} s", *shares, f"{idle['tallies_per_s']:.1f}", f"{idle['wal_per_s']:,}")
    return [Rows("Nothing to do: shares of a core", ("", *names, "tallies/s", "WAL bytes/s"), [row])]


def _target(each: dict[str, Any]) -> tuple[str, ...]:
    what, limit = _WORDS[each["what"]]
    value = each["measured"]
    if value is None:
        return (what, limit.format(each["limit"]), "not measured", met(each["met"]))
    shown = f"{value:.1%}" if each["what"] == "idle_share" else f"{value:,.4g}" if value < 1_000 else f"{value:,}"
    return (what, limit.format(each["limit"]), shown, met(each["met"]))
